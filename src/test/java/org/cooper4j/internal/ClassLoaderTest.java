package org.cooper4j.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.File;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.cooper4j.CMPState;
import org.cooper4j.ConstrainedMinimizationProblem;
import org.cooper4j.Constraint;
import org.cooper4j.ConstraintType;
import org.cooper4j.multipliers.DenseMultiplier;
import org.cooper4j.optim.SimultaneousOptimizer;
import org.junit.jupiter.api.Test;

class ClassLoaderTest {
  /** min x² + y² s.t. x + y = 1: its x. */
  public static final class Training implements Callable<Float> {
    @Override
    public Float call() {
      Tensor xy = torch.zeros(2).requires_grad_(true);
      Constraint sum = new Constraint(ConstraintType.EQUALITY, new DenseMultiplier(1));
      var problem =
          ConstrainedMinimizationProblem.<Void>of(
              Map.of("sum", sum),
              nothing ->
                  CMPState.of(xy.square().sum()).observe(sum, xy.sum().sub(new Scalar(1.0))));
      var optimizer =
          new SimultaneousOptimizer<>(
              problem,
              new SGD(new TensorVector(xy), new SGDOptions(0.1)),
              new SGD(problem.dualParameters(), new SGDOptions(0.1)));
      for (int i = 0; i < 500; i++) {
        optimizer.roll();
      }
      return xy.select(0, 0).item_float();
    }
  }

  private static URL[] classPath(boolean javaCpp) throws Exception {
    List<URL> urls = new ArrayList<>();
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    for (String entry : path.split(Pattern.quote(File.pathSeparator))) {
      if (javaCpp == entry.contains("bytedeco")) {
        urls.add(new File(entry).toURI().toURL());
      }
    }
    return urls.toArray(new URL[0]);
  }

  private static WeakReference<ClassLoader> train(ClassLoader parent) throws Exception {
    try (URLClassLoader loader = new URLClassLoader(classPath(false), parent)) {
      Class<?> training = loader.loadClass(Training.class.getName());
      Object x = ((Callable<?>) training.getDeclaredConstructor().newInstance()).call();
      assertThat((Float) x).isEqualTo(new Training().call());
      return new WeakReference<>(loader);
    }
  }

  @Test
  void everyClassLoaderTrainsWithItsOwnCopyAndMayBeUnloaded() throws Exception {
    ClassLoader javaCpp = new URLClassLoader(classPath(true), ClassLoader.getPlatformClassLoader());
    List<WeakReference<ClassLoader>> loaders = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      loaders.add(train(javaCpp));
    }

    for (int i = 0; i < 100 && loaders.get(1).get() != null; i++) {
      System.gc();
      Thread.sleep(20);
    }

    assertThat(loaders.get(1).get()).isNull();
    assertThat(new Training().call()).isEqualTo(0.5f, within(1e-5f));
  }
}
