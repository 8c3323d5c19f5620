package org.cooper4j.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.pytorch.global.torch.ones;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Adam;
import org.bytedeco.pytorch.AdamOptions;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.OS;

/** What the logger {@code org.cooper4j} gets, in a JVM of its own. */
class LogTest {
  /** Trains what goes by slower ways: a parameter with a hook, of half precision. */
  public static final class Program {
    private Program() {}

    /** Rolls three times. */
    public static void main(String[] args) {
      Constraint sum = new Constraint(ConstraintType.INEQUALITY, new DenseMultiplier(1));
      Tensor x = ones(2).to(ScalarType.BFloat16).requires_grad_(true);
      var problem =
          ConstrainedMinimizationProblem.<Void>of(
              Map.of("sum", sum),
              batch -> {
                Tensor y = x.mul(new Scalar(2));
                y.retain_grad();
                Tensor wide = y.to(ScalarType.Float);
                return CMPState.of(wide.square().sum()).observe(sum, wide.sum());
              });
      var optimizer =
          new SimultaneousOptimizer<>(
              problem,
              new Adam(new TensorVector(x), new AdamOptions(0.1)),
              new SGD(problem.dualParameters(), new SGDOptions(0.1)));
      for (int i = 0; i < 3; i++) {
        optimizer.roll();
      }
      System.out.println("trained");
    }
  }

  private static List<String> run(List<String> classPath, String... options)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", String.join(File.pathSeparator, classPath)));
    command.add(Program.class.getName());
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output.lines().toList();
  }

  private static List<String> classPath() {
    return Arrays.asList(System.getProperty("java.class.path").split(File.pathSeparator));
  }

  @Test
  void atDebugItSaysOnceWhatWasChosenAndLoadedAndWhatGoesByASlowerWay() throws Exception {
    String folder = OS.LINUX.isCurrentOs() ? "/" : ""; // other systems do not name what is loaded
    List<String> output = run(classPath(), "-Dorg.slf4j.simpleLogger.defaultLogLevel=debug");
    for (String line :
        List.of(
            "native library: of the native jar, ",
            "LibTorch: " + folder,
            "BLAS: OpenBLAS, " + folder,
            "CUDA: ",
            "threads: ",
            "LibTorch's engine makes the backward pass: the graph has hooks",
            "Adam steps without a fused kernel: a parameter of BFloat16 on cpu")) {
      assertThat(output)
          .as(line)
          .filteredOn(said -> said.contains("DEBUG org.cooper4j - " + line))
          .hasSize(1);
    }
    assertThat(output).contains("trained").hasSize(8);
  }

  @Test
  void atInfoItSaysNothing() throws Exception {
    assertThat(run(classPath())).containsExactly("trained");
  }

  @Test
  void withoutAProviderThereIsTheNoticeOfSlf4jAlone() throws Exception {
    List<String> without =
        classPath().stream().filter(entry -> !entry.contains("slf4j-simple")).toList();
    assertThat(run(without))
        .contains("trained")
        .allMatch(line -> line.equals("trained") || line.startsWith("SLF4J(W): "));
    assertThat(run(without, "-Dslf4j.internal.verbosity=ERROR")).containsExactly("trained");
  }
}
