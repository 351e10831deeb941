#!/bin/sh
# Checks the manifests of this folder against the schemas of the Kubernetes API server and of KEDA. Needs Go.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
GOBIN=$scratch CGO_ENABLED=0 go install sigs.k8s.io/kubectl-validate@v0.0.4
keda=$(cd "$scratch" && go mod download -json github.com/kedacore/keda/v2@v2.16.1 | sed -n 's/^.*"Dir": "\(.*\)",*$/\1/p')
mkdir "$scratch/crds" && cp "$keda/config/crd/bases/keda.sh_scaledobjects.yaml" "$scratch/crds/"
"$scratch/kubectl-validate" --version 1.30 --local-crds "$scratch/crds" "$here"/*.yaml
