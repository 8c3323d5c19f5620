package org.cooper4j.internal;

import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Tensor;

/** What a state dict holds as a text that processes compare, a line a thing, to the bit. */
public final class StateText {
  private StateText() {}

  /** Appends a value under its name; of maps and lists each part under a name of its own. */
  public static void append(StringBuilder text, String name, Object value) {
    if (value instanceof Map<?, ?> map) {
      map.forEach((key, its) -> append(text, name + "." + key, its));
    } else if (value instanceof List<?> list) {
      for (int i = 0; i < list.size(); i++) {
        append(text, name + "." + i, list.get(i));
      }
    } else {
      text.append(name).append(" = ");
      text.append(value instanceof Tensor tensor ? Agreement.text(tensor) : String.valueOf(value));
      text.append('\n');
    }
  }
}
