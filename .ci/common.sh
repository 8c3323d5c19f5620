# What the checks of this folder share; to be sourced in the repository's root. What they fetch stays in
# $cache, and is not installed, so that no other build sees it.
cache=${COOPER4J_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cooper4j}

skip() {
  echo "skipped: $1"
  exit
}

# once FOLDER COMMAND...: runs a command that fills $cache/FOLDER, unless it has; false where it cannot
once() {
  local folder=$cache/$1
  shift
  [ -e "$folder/complete" ] && return
  echo "+ filling $folder"
  rm -rf "$folder"
  mkdir -p "$folder"
  "$@" "$folder" && touch "$folder/complete"
}

# unpack NAME PACKAGE...: Debian packages' files, in $cache/debian/NAME; false where there are none
unpack() {
  local name=$1
  shift
  once "debian/$name" unpack_into "$@"
}

unpack_into() { # PACKAGE... FOLDER
  local folder=${!#}
  command -v apt-get > /dev/null || return 1
  mkdir "$folder/packages"
  (cd "$folder/packages" && apt-get download "${@:1:$#-1}" > /dev/null 2>&1) || return 1
  for package in "$folder"/packages/*.deb; do dpkg -x "$package" "$folder"; done
  rm -r "$folder/packages"
}

# What Maven makes of an expression, such as openblas.version or session.localRepository.basedir.
evaluate() {
  mkdir -p target
  mvn -q -ntp help:evaluate -Dexpression="$1" -Doutput="$PWD/target/evaluated" > /dev/null && cat target/evaluated
}

# The headers of JNI, into a folder; jni_md.h is the one of Linux, which macOS has, too.
copy_jni() { # FOLDER FOLDER_OF_JNI_MD
  local java_home=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")}
  mkdir -p "$1" "$2"
  cp "$java_home/include/jni.h" "$1"
  cp "$java_home/include/linux/jni_md.h" "$2"
}
