#!/bin/sh
# Writes the files of settings that the units read, with new passwords; existing settings stay unchanged. Interrupted, it
# may be run again: whatever is there is whole, and is kept.
#   sh deploy/systemd/make-env.sh /etc/hasty
set -eu
dir=${1:?usage: make-env.sh FOLDER}
mkdir -p "$dir"
umask 077
# Writes a file unless it exists. Under another name first: half a file would stay.
make() {
  [ ! -e "$dir/$1" ] || return 0
  printf '%s\n' "$2" >"$dir/.$1.new"
  mv "$dir/.$1.new" "$dir/$1"
}
# Adds a line to a file, which keeps its owner and rights, unless it has that setting.
add() {
  ! grep -q "^${2%%=*}=" "$dir/$1" || return 0
  cp -p "$dir/$1" "$dir/.$1.new"
  # A line of its own, whether or not the file ends with one.
  [ ! -s "$dir/$1" ] || [ -z "$(tail -c 1 "$dir/$1")" ] || echo >>"$dir/.$1.new"
  printf '%s\n' "$2" >>"$dir/.$1.new"
  mv "$dir/.$1.new" "$dir/$1"
}
value() { sed -n "s/^$2=//p" "$dir/$1"; }
make nats.env "NATS_SYNC=always"
for user in setup api keeper job workflow ingest backup; do
  name=NATS_$(echo "$user" | tr '[:lower:]' '[:upper:]')_PASSWORD
  # The broker's file is the first to get a password: the service's takes it from there.
  if [ -e "$dir/$user.env" ]; then password=$(value "$user.env" NATS_PASSWORD); else password=$(openssl rand -hex 24); fi
  add nats.env "$name=$password"
  make "$user.env" "NATS_USER=$user
NATS_PASSWORD=$(value nats.env "$name")"
done
make hasty.env "NATS_URL=nats://127.0.0.1:4222
NATS_GROUP_COMMIT=true
DATA_DIR=/var/lib/hasty
LOG_FORMAT=json"
# Ports of this machine only; the api finds the others there.
add api.env "JOB_URLS=http://127.0.0.1:8081"
add api.env "WORKFLOW_URLS=http://127.0.0.1:8082"
add job.env "PORT=8081"
add workflow.env "PORT=8082"
add workflow.env "TRUST_PROXY=true"
add ingest.env "PORT=8083"
add keeper.env "PORT=8084"
# Signs webhooks.
add job.env "WEBHOOK_SECRET=whsec_$(openssl rand -base64 32)"
