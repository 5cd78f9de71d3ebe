#!/usr/bin/env bash
# Every row of the image models' benchmark that needs a GPU, in one command of under eight minutes. What is done is not
# done again, so a run that was cut short goes on with the same command. Without a GPU it says so and stops.
#
#   benchmarks/vision_gpu.sh [--coco ZIP] [--images FOLDER] [--python PATH] ...   (options of benchmarks/vision_gpu.py)
#
# PYTHON names another interpreter than .venv/bin/python or python3; it runs from the sources.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -z "${PYTHON:-}" ]]; then
    PYTHON=$([[ -x .venv/bin/python ]] && echo .venv/bin/python || echo python3)
fi
if ! "$PYTHON" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
    echo "no GPU that torch can use: nothing was measured"
    exit 0
fi
exec timeout --signal=INT --kill-after=8 470 "$PYTHON" -m benchmarks.vision_gpu --minutes 7 "$@"
