#!/bin/sh
# Writes the files of settings that the units read, with new passwords; existing files stay unchanged.
#   sh deploy/systemd/make-env.sh /etc/hasty
set -eu
dir=${1:?usage: make-env.sh FOLDER}
mkdir -p "$dir"
umask 077
make() {
  [ -e "$dir/$1" ] || printf '%s\n' "$2" >"$dir/$1"
}
passwords=''
for user in setup api keeper job workflow ingest backup; do
  [ ! -e "$dir/nats.env" ] || break
  password=$(openssl rand -hex 24)
  name=$(echo "$user" | tr '[:lower:]' '[:upper:]')
  passwords="$passwords${passwords:+
}NATS_${name}_PASSWORD=$password"
  make "$user.env" "NATS_USER=$user
NATS_PASSWORD=$password"
done
make nats.env "$passwords
NATS_SYNC=always"
make hasty.env "NATS_URL=nats://127.0.0.1:4222
NATS_GROUP_COMMIT=true
DATA_DIR=/var/lib/hasty
LOG_FORMAT=json"
# Ports of this machine only; the api finds the others there.
for line in "api JOB_URLS=http://127.0.0.1:8081" "api WORKFLOW_URLS=http://127.0.0.1:8082" "job PORT=8081" \
  "workflow PORT=8082" "workflow TRUST_PROXY=true" "ingest PORT=8083" "keeper PORT=8084"; do
  file=$dir/${line%% *}.env setting=${line#* }
  grep -q "^${setting%%=*}=" "$file" || echo "$setting" >>"$file"
done
# Signs webhooks.
grep -q '^WEBHOOK_SECRET=' "$dir/job.env" || echo "WEBHOOK_SECRET=whsec_$(openssl rand -base64 32)" >>"$dir/job.env"
