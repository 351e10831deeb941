#!/bin/sh
# Creates the secrets for docker-compose.prod.yml in deploy/secrets/ (or the given folder), and notes in .env that every
# `docker compose` command means that file too; what exists stays unchanged.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
dir=${1:-$root/deploy/secrets}
# The containers' users must be able to read the files; on this machine only you can open the folder.
[ -d "$dir" ] || mkdir -m 700 "$dir"
# Under another name first: interrupted half-way, or on a full disk, it must not leave half a secret that would stay.
make() {
  [ ! -e "$dir/$1" ] || return 0
  printf '%s\n' "$2" >"$dir/.$1.new"
  chmod 644 "$dir/.$1.new"
  mv "$dir/.$1.new" "$dir/$1"
}
make jwt_secret "$(openssl rand -hex 32)"
make clients.json '{"clients": []}'
make webhook "whsec_$(openssl rand -base64 32)"
env=$root/.env
if [ $# = 0 ] && ! grep -qs '^COMPOSE_FILE=' "$env"; then
  # The copy keeps owner and rights.
  if [ -e "$env" ]; then cp -p "$env" "$env.new"; else : >"$env.new"; fi
  # A line of its own, whether or not the file ends with one.
  [ ! -s "$env" ] || [ -z "$(tail -c 1 "$env")" ] || echo >>"$env.new"
  echo 'COMPOSE_FILE=docker-compose.yml:docker-compose.prod.yml' >>"$env.new"
  mv "$env.new" "$env"
fi
for user in setup api keeper job workflow ingest backup; do make "nats_$user" "$(openssl rand -hex 24)"; done
