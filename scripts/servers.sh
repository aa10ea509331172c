# Shared functions of scripts/databases and scripts/cluster, which source this file.

die() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; }

# stop_process stops a server by its process ID, unless another process now has the
# ID.
stop_process() {
  local pid=$1 dir=$2 i
  is_ours "$pid" "$dir" || return 0
  # SIGINT is a fast shutdown for PostgreSQL. MariaDB needs SIGTERM.
  case $(ps -o args= -p "$pid") in *mariadbd*|*mysqld*) kill -TERM "$pid" ;; *) kill -INT "$pid" ;; esac 2>/dev/null || return 0
  for ((i = 0; i < 200; i++)); do
    is_ours "$pid" "$dir" || return 0
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || true
}

is_ours() { [[ "$(ps -o args= -p "$1" 2>/dev/null)" == *"$2/"* ]]; }

# make_private creates a directory that only this user can write to and that the
# servers' users can enter.
make_private() {
  [ -d "$1" ] || mkdir -p "$1"
  [ -O "$1" ] || die "$1 belongs to another user; use another directory"
  chmod 711 "$1"
}

quietly() {
  local log=$1
  shift
  (cd / && "$@") >"$log" 2>&1 9>&- || { cat "$log" >&2; die "command failed: $*"; }
}

# detached protects a server from a Ctrl-C in the terminal, so that the tests end
# first.
detached() { if command -v setsid >/dev/null; then exec setsid "$@"; else exec nohup "$@"; fi </dev/null; }

flock() { if command -v flock >/dev/null; then command flock "$@"; fi; }

random_word() { LC_ALL=C tr -dc 'a-z0-9' </dev/urandom | head -c 24 || true; }

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port prints a free port below the kernel's range of ephemeral ports.
free_port() {
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    listening "$port" || { echo "$port"; return; }
  done
}

postgres_bin() {
  local initdb
  initdb=$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)
  [ -n "$initdb" ] || initdb=$(command -v initdb) || return 1
  dirname "$initdb"
}

mariadb_bin() {
  command -v mariadb-install-db >/dev/null || return 1
  PATH=$PATH:/usr/sbin:/usr/local/sbin command -v mariadbd
}
