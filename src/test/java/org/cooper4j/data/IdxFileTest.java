package org.cooper4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class IdxFileTest {
  private static final byte[] VALID = IdxFiles.idx(new byte[] {1, 2, 3, 4, 5, -1}, 2, 3);

  @TempDir Path folder;

  @Test
  void contentAndNotTheNameSaysWhetherAFileIsGzip() throws IOException {
    Path raw = Files.write(folder.resolve("raw.gz"), VALID);
    Path packed = Files.write(folder.resolve("packed"), IdxFiles.gzip(VALID));
    for (Path path : new Path[] {raw, packed}) {
      IdxFile file = IdxFile.read(path);
      assertThat(file.shape()).containsExactly(2, 3);
      assertThat(file.elements()).containsExactly(1, 2, 3, 4, 5, -1);
      assertThat(file.path()).isEqualTo(path);
    }
  }

  @Test
  void sha256IsThatOfTheUncompressedFile() throws Exception {
    Path packed = Files.write(folder.resolve("packed.gz"), IdxFiles.gzip(VALID));
    byte[] expected = MessageDigest.getInstance("SHA-256").digest(VALID);
    assertThat(IdxFile.read(packed).sha256()).isEqualTo(HexFormat.of().formatHex(expected));
  }

  @ParameterizedTest(name = "{0}: {1}")
  @CsvSource(
      delimiter = '|',
      value = {
        "''                                     | an IDX file of unsigned bytes | an empty file",
        "00000d01 00000001 3f800000             | an IDX file of unsigned bytes | 00 00 0d 01",
        "00000800 01                            | an IDX file of unsigned bytes | 00 00 08 00",
        "00000809 00000001                      | 1 to 8 dimensions             | 00 00 08 09",
        "89504e47 0d0a1a0a                      | an IDX file of unsigned bytes | 89 50 4e 47",
        "00000802 00000002 0000                 | 2 dimensions of 4 bytes each  | 6 bytes",
        "00000801 ffffffff 00                   | product is below 2^31         | [-1]",
        "00000803 00010000 00010000 00010000    | product is below 2^31         | [65536, 65536,",
        "00000801 00000003 0102                 | [3] and so 3 elements         | 2 (truncated)",
        "00000801 7fffff00 0102                 | so 2147483392 elements        | 2 (truncated)",
        "00000801 00000001 0102                 | [1] and so 1 elements         | more bytes",
      })
  void malformedFilesAreNamedWithWhatWasExpected(String hex, String expected, String found)
      throws IOException {
    byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
    Path path = Files.write(folder.resolve("digits"), bytes);
    assertThatThrownBy(() -> IdxFile.read(path))
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll(path.toString(), expected, found);
  }

  static Stream<Arguments> damagedGzip() throws IOException {
    byte[] packed = IdxFiles.gzip(VALID);
    byte[] wrongChecksum = packed.clone();
    wrongChecksum[packed.length - 8]++;
    return Stream.of(
        Arguments.of("cut in the header", Arrays.copyOf(packed, 5)),
        Arguments.of("cut in the data", Arrays.copyOf(packed, packed.length - 12)),
        Arguments.of("cut in the trailer", Arrays.copyOf(packed, packed.length - 2)),
        Arguments.of("wrong checksum", wrongChecksum));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("damagedGzip")
  void damagedGzipIsNamed(String damage, byte[] bytes) throws IOException {
    Path path = Files.write(folder.resolve("digits.gz"), bytes);
    assertThatThrownBy(() -> IdxFile.read(path))
        .isInstanceOf(IOException.class)
        .hasMessageContainingAll(path.toString(), "damaged gzip data");
  }
}
