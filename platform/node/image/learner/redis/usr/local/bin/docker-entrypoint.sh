#!/bin/sh
# Redis for everyone on the container's network, as people expect of this image.
set -e
if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then
    set -- redis-server "$@"
fi
if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
    shift
    chown redis:redis /data 2>/dev/null || true
    case "$1" in
        *.conf) set -- redis-server "$@" ;;
        *) set -- redis-server --protected-mode no --bind '* -::*' "$@" ;;
    esac
    exec setpriv --reuid=redis --regid=redis --clear-groups "$@"
fi
exec "$@"
