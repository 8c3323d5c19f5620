package org.cooper4j.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** Compares states to the last bit. */
final class States {
  private States() {}

  static void assertEqual(Object actual, Object expected) {
    assertEqual(actual, expected, "state");
  }

  private static void assertEqual(Object actual, Object expected, String path) {
    if (expected instanceof Map<?, ?> map) {
      assertThat(((Map<?, ?>) actual).keySet()).as(path).isEqualTo(map.keySet());
      map.forEach(
          (key, value) -> assertEqual(((Map<?, ?>) actual).get(key), value, path + "." + key));
    } else if (expected instanceof List<?> list) {
      assertThat((List<?>) actual).as(path).hasSameSizeAs(list);
      for (int i = 0; i < list.size(); i++) {
        assertEqual(((List<?>) actual).get(i), list.get(i), path + "[" + i + "]");
      }
    } else if (expected instanceof Tensor tensor) {
      Tensor found = (Tensor) actual;
      assertThat(found.shape()).as(path).isEqualTo(tensor.shape());
      assertThat(found.dtype().name().getString())
          .as(path)
          .isEqualTo(tensor.dtype().name().getString());
      assertThat(found.equal(tensor)).as("%s: %s, not %s", path, found, tensor).isTrue();
    } else {
      assertThat(actual).as(path).isEqualTo(expected);
    }
  }
}
