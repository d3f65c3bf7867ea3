#!/usr/bin/env bash
# A round of measurements on a machine with a GPU, the most important first, in at most 590 seconds:
#
#     bash bench/gpu/round.sh [--rehearse]
#
# It needs deno on the PATH, and no network. Every step has a limit of its own and writes its own file to $OUT (default:
# ./gpu-round); results.md there is the table. PyTorch is measured where python3 has it, with CUDA. --rehearse tries the round
# without a GPU: small sizes, short limits, 2 to 3 minutes.
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
  if ((left <= 5)); then
    echo "== $name: not begun, the round's time is over" | tee "$out/$name.txt"
    return
  fi
  ((seconds > left - 5)) && seconds=$((left - 5))
  echo "== $name: at most $seconds s, after $((SECONDS - started)) s"
  timeout -k 3 "$seconds" "$@" >"$out/$name.txt" 2>&1
  code=$?
  ((code == 0)) || echo "$name ended with $code$( ((code == 124 || code == 137)) && echo ", at its limit")" |
    tee -a "$out/$name.txt"
  tail -n 3 "$out/$name.txt"
}

if ((rehearse)); then
  rows='^(gemm|training resnet20 batch 4$|inference resnet20 batch 1$|inference mobilenet_v2 batch 1)'
  more='resnet20 3x3/2'
  measure=(--small --rounds 2 --seconds 0.02 --limit 10)
  step ours 45 $bench --peers residua-webgpu "${measure[@]}" --total 30 --rows "$rows" --json "$out/ours.json"
  step pytorch 20 $bench --peers pytorch-cuda,pytorch-cuda-amp "${measure[@]}" --total 12 --rows "$rows" --json "$out/pytorch.json"
  step tests 40 env RESIDUA_REQUIRE_GPU=1 deno test -A --no-check --config deno.offline.json tests/schedule_gpu_test.ts
  step convolutions 20 $bench --peers residua-webgpu "${measure[@]}" --total 12 --rows "$more" --json "$out/convolutions.json"
  step tune-resnet20 20 $deno cli/main.ts tune --model resnet8 --batch 2 --export "$out/tuned-resnet20.json"
  step start 15 $deno bench/main.ts --start webgpu 4
else
  networks='^(gemm|training|inference .* batch (1|64)( mixed)?$)'
  measure=(--rounds 5 --seconds 0.1)
  step ours 150 $bench --peers residua-webgpu "${measure[@]}" --limit 12 --total 130 --rows "$networks" --json "$out/ours.json"
  step pytorch 75 $bench --peers pytorch-cuda,pytorch-cuda-amp "${measure[@]}" --limit 8 --total 65 --rows "$networks" --json "$out/pytorch.json"
  step tests 110 env RESIDUA_REQUIRE_GPU=1 deno test -A --no-check --config deno.offline.json --parallel tests/*_gpu_test.ts
  step convolutions 60 $bench --peers residua-webgpu "${measure[@]}" --rounds 3 --total 50 --rows '^resnet|^mobilenet' --json "$out/convolutions.json"
  step tune-resnet20 50 $deno cli/main.ts tune --model resnet20 --batch 128 --export "$out/tuned-resnet20.json"
  step tune-resnet50 75 $deno cli/main.ts tune --model resnet50 --batch 64 --export "$out/tuned-resnet50.json"
fi

# What was timed is in the user's cache even where the limit ended the tuner, so the tuned rows read it there.
if ((rehearse)); then
  step tuned 20 $bench --peers residua-webgpu "${measure[@]}" --tune cache --rows 'training resnet20 batch 4$' --json "$out/tuned.json"
else
  step tuned 45 $bench --peers residua-webgpu "${measure[@]}" --limit 12 --tune cache \
    --rows '^training resnet(20 batch 128|50 batch 64)$' --json "$out/tuned.json"
  step start 25 $deno bench/main.ts --start webgpu
fi

reports=()
for name in ours pytorch convolutions tuned; do
  [[ -s "$out/$name.json" ]] && reports+=("$out/$name.json")
done
((${#reports[@]})) && timeout 20 $deno bench/gpu/table.ts "${reports[@]}" >"$out/results.md"
echo "== done after $((SECONDS - started)) s: $out/results.md"
