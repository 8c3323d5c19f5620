#!/usr/bin/env bash
# Runs the native tests and the tutorial under AddressSanitizer with UBSan and LeakSanitizer, then
# under valgrind where there is one. Takes a folder to build in and CMake's options:
#
#   native/test/memory.sh target/memory -DCOOPER4J_LIBTORCH_LIB=$PWD/target/libtorch
set -euo pipefail
build=$1
shift
source=$(cd "$(dirname "$0")/../.." && pwd)

cmake -S "$source" -B "$build/sanitized" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCOOPER4J_SANITIZE=address,undefined "$@"
cmake --build "$build/sanitized" --parallel "$(nproc)"
export ASAN_OPTIONS=allocator_may_return_null=1 # memory_test asks for more than there is
ctest --test-dir "$build/sanitized" --output-on-failure
rm -rf "$build/out"
for epochs in 1 2; do # the second run resumes
  "$build/sanitized/mnist/cooper4j_mnist" --epochs=$epochs --batch-size=512 --out="$build/out"
done

if ! command -v valgrind > /dev/null; then
  echo "no valgrind here; left out"
  exit
fi
cmake -S "$source" -B "$build/plain" -DCMAKE_BUILD_TYPE=RelWithDebInfo "$@"
cmake --build "$build/plain" --parallel "$(nproc)"
# Instructions that valgrind knows, and no threads, whose switches it makes slow. It follows no
# children, so crash_test, which is about them, is left to the sanitizers.
export ATEN_CPU_CAPABILITY=default OPENBLAS_CORETYPE=Haswell OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
rm -rf "$build/out"
for program in {document,codec,hostile,lagrangian,backward,merged,step,memory,problem,threads}_test \
  "mnist/cooper4j_mnist --epochs=1 --batch-size=6000 --out=$build/out"; do
  echo "+ valgrind $program"
  # shellcheck disable=SC2086 # a program and its arguments
  valgrind --quiet --error-exitcode=9 --leak-check=full \
    --errors-for-leak-kinds=definite --show-leak-kinds=definite "$build/plain/"$program
done
