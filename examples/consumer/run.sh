#!/usr/bin/env bash
# Builds and runs this project as a user would who has a JDK and Maven only: a local repository with
# nothing of the build but what `mvn install` put there, and no compiler, CMake or Python.
set -euo pipefail
cd "$(dirname "$0")"

repository=$PWD/target/repository
rm -rf target
mkdir -p "$repository/org" target/no-tools
mvn -q -ntp help:evaluate -Dexpression=session.localRepository.basedir -Doutput=target/installed.txt
installed=$(cat target/installed.txt)
cp -r "$installed/org/cooper4j" "$repository/org/"
cp -r "$installed/org/bytedeco" "$repository/org/" # JavaCPP's jars, as downloaded: 113 MB
for tool in cmake c++ g++ gcc cc clang clang++ python python3; do
  printf '#!/bin/sh\necho "a user has no %s" >&2\nexit 1\n' "$tool" > "target/no-tools/$tool"
done
chmod +x target/no-tools/*
export PATH=$PWD/target/no-tools:$PATH

mvn -q -ntp -Dmaven.repo.local="$repository" package
separator=:
case $(uname) in MINGW* | MSYS*) separator=';' ;; esac
echo "+ on the class path"
java -cp "target/consumer.jar${separator}target/lib/*" consumer.Main
echo "+ on the module path"
java -p "target/consumer.jar${separator}target/lib" -m consumer/consumer.Main
