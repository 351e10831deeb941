#!/bin/sh
# Creates the secrets for docker-compose.prod.yml in deploy/secrets/ (or the given folder); existing files stay unchanged.
set -eu
dir=${1:-$(dirname "$0")/secrets}
# The containers' users must be able to read the files; on this machine only you can open the folder.
[ -d "$dir" ] || mkdir -m 700 "$dir"
make() {
  [ -e "$dir/$1" ] || { printf '%s\n' "$2" >"$dir/$1" && chmod 644 "$dir/$1"; }
}
make jwt_secret "$(openssl rand -hex 32)"
make clients.json '{"clients": []}'
make webhook "whsec_$(openssl rand -base64 32)"
for user in setup api keeper job workflow ingest backup; do make "nats_$user" "$(openssl rand -hex 24)"; done
