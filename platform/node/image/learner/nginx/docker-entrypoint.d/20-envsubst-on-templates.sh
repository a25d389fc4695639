#!/bin/sh
# /etc/nginx/templates/NAME.template becomes /etc/nginx/conf.d/NAME with the environment's values filled in.
set -e
[ -d /etc/nginx/templates ] || exit 0
defined=$(printf '${%s} ' $(env | cut -d= -f1))
find /etc/nginx/templates -name '*.template' | while read -r template; do
    target=/etc/nginx/conf.d/${template#/etc/nginx/templates/}
    mkdir -p "$(dirname "$target")"
    envsubst "$defined" <"$template" >"${target%.template}"
done
