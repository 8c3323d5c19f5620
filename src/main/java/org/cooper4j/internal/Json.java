package org.cooper4j.internal;

import java.math.BigDecimal;
import java.math.BigInteger;

/** Writes JSON. */
public final class Json {
  private Json() {}

  public static StringBuilder text(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < ' ' || c == '\u2028' || c == '\u2029' || Character.isSurrogate(c)) {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    return out.append('"');
  }

  /** What is not finite becomes a string. */
  public static StringBuilder number(StringBuilder out, Number value) {
    boolean exact =
        value instanceof Long
            || value instanceof Integer
            || value instanceof Short
            || value instanceof Byte
            || value instanceof BigInteger
            || value instanceof BigDecimal;
    if (exact || Double.isFinite(value.doubleValue())) {
      return out.append(exact ? value.toString() : Double.toString(value.doubleValue()));
    }
    return out.append('"').append(value.doubleValue()).append('"');
  }
}
