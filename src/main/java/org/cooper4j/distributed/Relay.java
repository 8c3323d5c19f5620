package org.cooper4j.distributed;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.Arrays;
import org.cooper4j.checkpoint.Checkpoint;
import org.cooper4j.checkpoint.LoadOptions;

/** States of any size on their way from rank 0 to the others, some bytes at a time. */
final class Relay {
  private static final int CHUNK = 1 << 26;

  private Relay() {}

  /** In rank 0. */
  static void send(ProcessGroup group, Object state) {
    send(group, state, CHUNK);
  }

  static void send(ProcessGroup group, Object state, int chunk) {
    Sender sender = new Sender(group);
    try (OutputStream out = new BufferedOutputStream(sender, chunk)) {
      Checkpoint.save(out, state);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (RuntimeException e) {
      throw sender.failure == null ? e : sender.failure;
    }
    group.broadcast(new byte[0]); // the end
  }

  /** In the others. */
  static Object receive(ProcessGroup group) {
    Receiver receiver = new Receiver(group);
    try {
      return Checkpoint.load(receiver, new LoadOptions()).root();
    } catch (RuntimeException e) {
      throw receiver.failure == null ? e : receiver.failure;
    }
  }

  private static final class Sender extends OutputStream {
    private final ProcessGroup group;
    private RuntimeException failure; // of the group

    Sender(ProcessGroup group) {
      this.group = group;
    }

    @Override
    public void write(int b) {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int count) {
      try {
        if (count > 0) {
          group.broadcast(Arrays.copyOfRange(bytes, from, from + count));
        }
      } catch (RuntimeException e) {
        failure = e;
        throw e;
      }
    }
  }

  private static final class Receiver extends InputStream {
    private final ProcessGroup group;
    private byte[] bytes = {};
    private int next;
    private boolean ended;
    private RuntimeException failure; // of the group

    Receiver(ProcessGroup group) {
      this.group = group;
    }

    @Override
    public int read() {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int from, int count) {
      if (next == bytes.length && !ended) {
        try {
          bytes = group.broadcast((byte[]) null);
        } catch (RuntimeException e) {
          failure = e;
          throw e;
        }
        next = 0;
        ended = bytes.length == 0;
      }
      if (ended) {
        return -1;
      }
      int some = Math.min(count, bytes.length - next);
      System.arraycopy(bytes, next, into, from, some);
      next += some;
      return some;
    }
  }
}
