// Everything that a training needs. docs/cpp.md is the guide.
#pragma once

#include "cooper4j/checkpoint.h"
#include "cooper4j/constrained_optimizer.h"
#include "cooper4j/constraint.h"
#include "cooper4j/distributed.h"
#include "cooper4j/memory.h"
#include "cooper4j/multiplier.h"
#include "cooper4j/optim.h"
#include "cooper4j/penalty_coefficient.h"
#include "cooper4j/problem.h"
#include "cooper4j/safetensors.h"
#include "cooper4j/state_dict.h"
#include "cooper4j/threads.h"
#include "cooper4j/values.h"
