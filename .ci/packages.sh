# For the checks that need packages of Debian which a machine may not have: their files, in
# $COOPER4J_CACHE, without installing them, so that no other build sees them. To be sourced.
cache=${COOPER4J_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cooper4j}/debian

skip() {
  echo "skipped: $1"
  exit
}

# unpack NAME PACKAGE...: the packages' files, in $cache/NAME; false where there are none
unpack() {
  local folder=$cache/$1
  shift
  [ -e "$folder/complete" ] && return
  command -v apt-get > /dev/null || return 1
  echo "+ taking $* into $folder"
  rm -rf "$folder"
  mkdir -p "$folder/packages"
  (cd "$folder/packages" && apt-get download "$@" > /dev/null 2>&1) || return 1
  for package in "$folder"/packages/*.deb; do dpkg -x "$package" "$folder"; done
  rm -r "$folder/packages"
  touch "$folder/complete"
}
