import { assertEquals } from "@std/assert";
import { cutMiddle, cutText, padText, padTextStart, textWidth } from "./text_width.ts";

Deno.test("textWidth() counts columns: two of East Asian characters and emoji, none of combining marks", () => {
  // As Unicode's EastAsianWidth.txt has them: W and F are wide, all others here are not.
  const widths: Record<string, number> = {
    "": 0,
    "cat": 3,
    "café": 4,
    "cafe\u0301": 4,
    "写真": 4,
    "ねこ": 4,
    "고양이": 6,
    "ﾈｺ": 2,
    "ＡＢ": 4,
    "「」。": 6,
    "ー": 2,
    "🐈": 2,
    "👩‍🔬": 2,
    "🇫🇷": 2,
    "naïve Ω ж ת": 11,
    "⠤█●…": 4,
  };
  for (const [text, width] of Object.entries(widths)) assertEquals(textWidth(text), width, text);
});

Deno.test("cutText() and padText() keep to columns, and break no character", () => {
  assertEquals(cutText("写真の分類", 10), "写真の分類");
  assertEquals(cutText("写真の分類", 8), "写真の…");
  assertEquals(cutText("写真の分類", 7), "写真の…");
  assertEquals(cutText("写真の分類", 6), "写真…");
  assertEquals(cutText("cafe\u0301s of Paris", 5), "cafe\u0301…");
  assertEquals(cutText("cat", 0), "");
  assertEquals(cutMiddle("class number 12", 9), "clas…r 12");
  assertEquals(cutMiddle("写真の分類", 8), "写真…類");
  assertEquals(cutMiddle("写真の分類", 10), "写真の分類");
  assertEquals(padText("写", 4) + "|", "写  |");
  assertEquals(padTextStart("写", 3), " 写");
});
