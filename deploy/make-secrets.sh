#!/bin/sh
# Makes what docker-compose.prod.yml wants in deploy/secrets/ (or the folder named), and leaves alone what is there.
set -eu
dir=${1:-$(dirname "$0")/secrets}
# The containers' users must be able to read the files; here only you can come near them.
[ -d "$dir" ] || mkdir -m 700 "$dir"
make() {
  [ -e "$dir/$1" ] || { printf '%s\n' "$2" >"$dir/$1" && chmod 644 "$dir/$1"; }
}
make jwt_secret "$(openssl rand -hex 32)"
make clients.json '{"clients": []}'
make webhook "whsec_$(openssl rand -base64 32)"
for user in setup api keeper job workflow ingest backup; do make "nats_$user" "$(openssl rand -hex 24)"; done
