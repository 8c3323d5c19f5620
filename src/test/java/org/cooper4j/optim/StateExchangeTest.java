package org.cooper4j.optim;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Adagrad;
import org.bytedeco.pytorch.AdagradOptions;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.AdamW;
import org.bytedeco.pytorch.AdamWOptions;
import org.bytedeco.pytorch.LBFGS;
import org.bytedeco.pytorch.LBFGSOptions;
import org.bytedeco.pytorch.Optimizer;
import org.bytedeco.pytorch.RMSprop;
import org.bytedeco.pytorch.RMSpropOptions;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.Python;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.OptimizerState;
import org.cooper4j.internal.Native;
import org.cooper4j.optim.torch.Adamax;
import org.cooper4j.optim.torch.AdamaxOptions;
import org.cooper4j.optim.torch.SparseAdam;
import org.cooper4j.optim.torch.SparseAdamOptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Java's half of src/test/python/exchange_states.py. */
@Tag("python")
class StateExchangeTest {
  private static final int START = 5;
  private static final int JAVA = 3;

  private static final Map<String, Schedule> SCHEDULES =
      Map.of(
          "lambda", (base, epoch) -> base * Native.pow(0.9, (double) epoch),
          "step", Schedule.step(2, 0.7),
          "multi_step", Schedule.multiStep(0.3, 2, 6, 6, 9),
          "linear", Schedule.linear(0.25, 1.0, 9),
          "exponential", Schedule.exponential(0.9),
          "cosine", Schedule.cosineAnnealing(6, 0.003),
          "restarts", Schedule.cosineAnnealingWarmRestarts(3, 2, 0.0));

  private static final Map<String, Function<TensorVector, Optimizer>> OPTIMIZERS =
      Map.of(
          "SGD", p -> new SGD(p, new SGDOptions(1)),
          "SGD_foreach", p -> new SGD(p, new SGDOptions(1)),
          "Adam", p -> new Adam(p, new AdamOptions(1)),
          "Adam_fused", p -> new Adam(p, new AdamOptions(1)),
          "Adam_tensor_lr", p -> new Adam(p, new AdamOptions(1)),
          "AdamW", p -> new AdamW(p, new AdamWOptions(1)),
          "RMSprop", p -> new RMSprop(p, new RMSpropOptions(1)),
          "Adagrad", p -> new Adagrad(p, new AdagradOptions(1)),
          "Adamax", p -> new Adamax(p, new AdamaxOptions(1)),
          "SparseAdam", p -> new SparseAdam(p, new SparseAdamOptions(1)));

  @TempDir Path folder;

  @BeforeEach
  void needsPython() {
    Python.require();
  }

  @Test
  void pythonGoesOnAfterJavaAsIfItHadNotBeenThere() throws Exception {
    Python.run("exchange_states.py", "start", folder);
    List<Path> starts;
    try (Stream<Path> files = Files.list(folder)) {
      starts = files.toList();
    }
    for (Path start : starts) {
      String file = start.getFileName().toString();
      try (PointerScope variables = new PointerScope()) {
        goOn(file.substring(0, file.indexOf('.')), start);
      }
    }
    for (String name : SCHEDULES.keySet()) {
      try (PointerScope variables = new PointerScope()) {
        begin(name);
      }
    }
    Python.run("exchange_states.py", "finish", folder);
  }

  private void goOn(String name, Path start) {
    Checkpoint saved = Checkpoint.load(start);
    Tensor x = saved.tensor("x").requires_grad_(true);
    Function<TensorVector, Optimizer> make = OPTIMIZERS.get(name);
    if (make == null && Character.isUpperCase(name.charAt(0)) && !name.equals("LBFGS")) {
      Checkpoint.save(folder.resolve(name + ".java.pt"), saved.asMap());
      return;
    }
    Optimizer optimizer =
        make != null
            ? make.apply(new TensorVector(x))
            : name.equals("LBFGS")
                ? new LBFGS(new TensorVector(x), new LBFGSOptions(1))
                : new SGD(new TensorVector(x), new SGDOptions(1));
    OptimizerState.load(optimizer, saved.map("opt").asMap(), false, false);

    Schedule schedule = SCHEDULES.get(name);
    LRScheduler scheduler = schedule == null ? null : new LRScheduler(optimizer, schedule);
    if (scheduler != null) {
      OptimizerState.load(optimizer, saved.map("opt").asMap(), false, false);
      scheduler.loadStateDict(saved.map("sched").asMap());
    }
    save(name + ".java.pt", saved, x, optimizer, scheduler, 0);
    if (name.equals("LBFGS")) {
      return; // a step needs a closure
    }
    steps(x, optimizer, scheduler, JAVA);
    save(name + ".stepped.pt", saved, x, optimizer, scheduler, JAVA);
  }

  private void begin(String name) {
    Tensor x = torch.ones(12).to(ScalarType.Double).requires_grad_(true);
    SGD optimizer = new SGD(new TensorVector(x), new SGDOptions(0.1));
    LRScheduler scheduler = new LRScheduler(optimizer, SCHEDULES.get(name));
    steps(x, optimizer, scheduler, START);
    save(name + ".born.pt", null, x, optimizer, scheduler, START);
  }

  private static void steps(Tensor x, Optimizer optimizer, LRScheduler scheduler, int count) {
    for (int i = 0; i < count; i++) {
      Tensor gradient = x.detach().mul(new Scalar(2.0));
      x.mutable_grad().put(optimizer instanceof SparseAdam ? gradient.to_sparse() : gradient);
      optimizer.step();
      if (scheduler != null) {
        scheduler.step();
      }
    }
  }

  private void save(
      String file,
      Checkpoint from,
      Tensor x,
      Optimizer optimizer,
      LRScheduler scheduler,
      int steps) {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("x", x.detach());
    state.put("opt", OptimizerState.of(optimizer, false));
    state.put("sched", scheduler != null ? scheduler.stateDict() : from.asMap().get("sched"));
    state.put("steps", (from == null ? 0 : from.integer("steps")) + steps);
    state.put("scheduled", scheduler != null);
    Checkpoint.save(folder.resolve(file), state);
  }
}
