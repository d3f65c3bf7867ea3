#!/usr/bin/env bash
# A round of measurements on a machine with a GPU, the most important first, in at most 590 seconds:
#
#     bash bench/gpu/round.sh [--rehearse]
#
# It needs deno on the PATH, and no network. Every step has a limit of its own and writes its own file to $OUT (default:
# ./gpu-round); results.md there is the table. PyTorch is measured where python3, or the interpreter in $PYTHON, has it with CUDA.
# --rehearse tries the round without a GPU: small sizes, short limits, 2 to 3 minutes.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

rehearse=0
case "${1:-}" in
  --rehearse) rehearse=1 ;;
  "") ;;
  *) echo "Expected --rehearse or nothing but \"$1\" came" >&2; exit 2 ;;
esac

for needed in deno timeout; do
  command -v "$needed" >/dev/null || { echo "Expected $needed on the PATH" >&2; exit 2; }
done

out="${OUT:-./gpu-round}"
mkdir -p "$out"
deno="deno run -A --no-check --config deno.offline.json"
bench="$deno bench/gpu/main.ts"
started=$SECONDS
limit_of_round=590

# step NAME SECONDS COMMAND…: runs a command, its output in $out/NAME.txt, for at most that long and no longer than is left.
step() {
  local name=$1 seconds=$2 left=$((limit_of_round - (SECONDS - started))) code
  shift 2
  if ((left <= 20)); then
    echo "== $name: not begun, the round's time is over" | tee "$out/$name.txt"
    return
  fi
  ((seconds > left - 16)) && seconds=$((left - 16))
  echo "== $name: at most $seconds s, after $((SECONDS - started)) s"
  # An interrupted tuner keeps what it has timed.
  timeout -k 10 "$seconds" "$@" >"$out/$name.txt" 2>&1
  code=$?
  ((code == 0)) || echo "ended with $code$( ((code == 124 || code == 137)) && echo ", at its limit")" >>"$out/$name.txt"
  grep . "$out/$name.txt" | tail -n 1
}

test="deno test -A --no-check --config deno.offline.json"
own="$bench --peers residua-webgpu"
pytorch="$bench --peers pytorch-cuda,pytorch-cuda-amp --python ${PYTHON:-python3}"
tune="$deno cli/main.ts tune"
if ((rehearse)); then
  some=(--small --rounds 2 --seconds 0.02 --limit 10)
  rows='^gemm|^training resnet20 batch 4$|^inference (resnet20|mobilenet_v2) batch 1$'
  step ours 45 $own "${some[@]}" --total 30 --rows "$rows" --json "$out/ours.json"
  step pytorch 20 $pytorch "${some[@]}" --total 12 --rows "$rows" --json "$out/pytorch.json"
  step tests 45 env RESIDUA_REQUIRE_GPU=1 $test tests/schedule_gpu_test.ts
  step mixed 25 $own "${some[@]}" --total 15 --rows '^training resnet20 .* mixed$' --json "$out/mixed.json"
  step tune-resnet20 20 $tune --model resnet8 --batch 2 --export "$out/tuned-resnet20.json"
  step tuned 20 $own "${some[@]}" --tune cache --rows '^training resnet20 batch 4$' --json "$out/tuned.json"
  step convolutions 20 $own "${some[@]}" --total 8 --rows '^resnet20 3x3/2|^resnet18' --json "$out/convolutions.json"
  step start 30 $deno bench/main.ts --start webgpu 4
else
  float32='^gemm|^(training|inference) .* batch (1|64|128)$' mixed='^(training|inference) .* batch (1|64|128) mixed$'
  tuned='^training resnet(20 batch 128|50 batch 64)$'
  # A network has four times the limit to get ready.
  step ours 120 $own --limit 8 --total 110 --rows "$float32" --json "$out/ours.json"
  step pytorch 65 $pytorch --limit 8 --total 55 --rows "$float32|$mixed" --json "$out/pytorch.json"
  step tests 110 env RESIDUA_REQUIRE_GPU=1 $test --parallel tests/*_gpu_test.ts
  step tune-resnet20 45 $tune --model resnet20 --batch 128 --export "$out/tuned-resnet20.json"
  step tune-resnet50 65 $tune --model resnet50 --batch 64 --export "$out/tuned-resnet50.json"
  # Tuned rows read the user's cache, which holds what was timed even where a limit ended the tuner.
  step tuned 40 $own --limit 8 --tune cache --rows "$tuned" --json "$out/tuned.json"
  step start 40 $deno bench/main.ts --start webgpu
  step mixed 60 $own --limit 8 --rounds 3 --total 50 --rows "$mixed" --json "$out/mixed.json"
  step convolutions 60 $own --limit 5 --rounds 3 --total 50 --rows '^resnet|^mobilenet' --json "$out/convolutions.json"
fi

reports=()
for name in ours pytorch mixed tuned convolutions; do
  [[ -s "$out/$name.json" ]] && reports+=("$out/$name.json")
done
((${#reports[@]})) && timeout 20 $deno bench/gpu/table.ts "${reports[@]}" >"$out/results.md" && cat "$out/results.md"
echo "== done after $((SECONDS - started)) s: $out/results.md"
