// What people's programs write, as C++ meets it. src/test/python/wild_checkpoints.py made the
// files.

#include <torch/optim/adam.h>
#include <torch/serialize.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "check.h"
#include "cooper4j/checkpoint.h"
#include "cooper4j/optim/state_dict.h"

namespace fs = std::filesystem;
using cooper4j::CheckpointError;
using cooper4j::Document;
using cooper4j::Kind;
using cooper4j::Node;

namespace {

const fs::path kFolder = fs::path(COOPER4J_SOURCE_DIR) / "src/test/resources/checkpoints/wild";

TEST(objects_of_other_classes_are_opaque_on_request_and_never_saved) {
  CHECK_THROWS(cooper4j::load(kFolder / "opaque.pt"), "['args'] is argparse.Namespace");
  cooper4j::LoadOptions options;
  options.opaque = true;
  const Document document = cooper4j::load(kFolder / "opaque.pt", options);
  const Node args = document.at(document.root(), "args");
  CHECK(document.kind(args) == Kind::kOpaque);
  CHECK_EQ(std::string("argparse.Namespace"), document.as_string(args));
  CHECK_THROWS(cooper4j::save_bytes(document, document.root()), "an object of argparse.Namespace");
  CHECK(!cooper4j::save_bytes(document, document.at(document.root(), "state_dict")).empty());
}

TEST(streams_are_read_and_written) {
  std::ifstream in(kFolder / "legacy.pt", std::ios::binary);
  Document document = cooper4j::load(in);
  const Node view = document.at(document.root(), "view");
  CHECK_EQ(5.0, cooper4j::to_tensor(document, view).sum().item<double>());
  std::stringstream both;
  cooper4j::save(both, document, document.root());
  const Document again = cooper4j::load(both);
  CHECK_EQ(document.size(document.root()), again.size(again.root()));
  std::istringstream empty;
  CHECK_THROWS(cooper4j::load(empty), "");
  std::ofstream full("/dev/full", std::ios::binary);
  CHECK_THROWS(cooper4j::save(full << std::unitbuf, document, document.root()),
               "cannot be written");
}

TEST(what_libtorch_has_no_place_for_stays_with_the_optimizer) {
  const at::Tensor param = at::ones({2}).requires_grad_(true);
  torch::optim::Adam adam({param}, torch::optim::AdamOptions(0.1));
  param.mutable_grad() = at::ones({2});
  adam.step();
  Document document;
  const Node state = cooper4j::state_dict(document, adam, false);
  const Node group = document.item(document.at(state, "param_groups"), 0);
  document.put(group, "name", document.str("head"));
  document.put(group, "fused", document.boolean(true));
  document.put(group, "initial_lr", document.number(0.4));
  cooper4j::load_state_dict(adam, document, state, false);
  CHECK_EQ(0.4, cooper4j::initial_lr(adam));

  Document other;
  const Node saved = cooper4j::state_dict(other, adam, false);
  const Node after = other.item(other.at(saved, "param_groups"), 0);
  CHECK_EQ(std::string("head"), other.as_string(other.at(after, "name")));
  CHECK(other.as_bool(other.at(after, "fused")));
  // LibTorch's own serializer takes every entry for a parameter's state.
  std::stringstream archive;
  torch::save(adam, archive);
  torch::load(adam, archive);
  adam.step();
}

}  // namespace

CHECK_MAIN()
