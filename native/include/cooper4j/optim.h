// The optimizer layer: Cooper's optimizers, fused steps, state dicts.
#pragma once

#include "cooper4j/optim/adam.h"
#include "cooper4j/optim/extragradient.h"
#include "cooper4j/optim/gradients.h"
#include "cooper4j/optim/moreau.h"
#include "cooper4j/optim/nupi.h"
#include "cooper4j/optim/state_dict.h"
#include "cooper4j/optim/step.h"
