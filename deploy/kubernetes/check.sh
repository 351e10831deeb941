#!/bin/sh
# Checks the manifests of this folder against the schemas of the Kubernetes API server and of KEDA. Needs Go.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp -R "$here/check/." "$scratch"
cd "$scratch"
go mod vendor
# The time goes into compiling. What only a running cluster needs is left out, with the 500 packages behind it: etcd, the
# server of custom resources, the connection to a cluster. The code that checks stays as it is.
k8s=vendor/k8s.io
rm "$k8s/apiextensions-apiserver/pkg/registry/customresource/etcd.go" "$k8s"/apiextensions-apiserver/pkg/apiserver/*.go \
  "$k8s/apiserver/pkg/registry/generic/options.go" "$k8s/apiserver/pkg/registry/generic/storage_decorator.go" \
  vendor/sigs.k8s.io/kubectl-validate/pkg/openapiclient/kubeconfig.go
cp apiserver/scheme.go "$k8s/apiextensions-apiserver/pkg/apiserver/"
# Unoptimized: it runs for a second.
CGO_ENABLED=0 go build -mod=vendor -gcflags=all='-N -l' -ldflags='-s -w' -o check .
keda=$(go mod download -json github.com/kedacore/keda/v2@v2.16.1 | sed -n 's/^.*"Dir": "\(.*\)",*$/\1/p')
mkdir crds && cp "$keda/config/crd/bases/keda.sh_scaledobjects.yaml" crds/
./check 1.30 crds "$here"/*.yaml
