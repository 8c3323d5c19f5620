package org.cooper4j.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The guide's batch script, with stand-ins for what Slurm would run. */
@EnabledOnOs(OS.LINUX)
class SlurmTest {
  private static final Pattern SCRIPT =
      Pattern.compile("(?ms)^```sh\n(#!/bin/sh\n#SBATCH.*?)^```$");

  @TempDir Path folder;

  private void program(String name, String text) throws Exception {
    Path file = Files.writeString(folder.resolve(name), "#!/bin/sh\n" + text);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @Test
  void theScriptOfTheGuideStartsAllRanks() throws Exception {
    Matcher found = SCRIPT.matcher(Files.readString(Path.of("docs/distributed.md")));
    assertThat(found.find()).isTrue();
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    String script =
        found
            .group(1)
            .replaceAll(" -Dorg.bytedeco.javacpp.cachedir=\\S+", "")
            .replace(
                "exec java -cp … Program", "exec " + java + " -cp \"$CP\" \"$MAIN\" once 60000");
    assertThat(script).contains("$MAIN");
    program("job", script);
    program("scontrol", "[ \"$3\" = nodes ] && printf '127.0.0.1\\n127.0.0.2\\n'\n");
    program(
        "srun",
        """
        shift
        for rank in $(seq 0 $((SLURM_NTASKS - 1))); do
          SLURM_PROCID=$rank "$@" &
          all="$all $!"
        done
        for one in $all; do wait $one || exit 1; done
        """);
    ProcessBuilder builder =
        new ProcessBuilder(folder.resolve("job").toString()).redirectErrorStream(true);
    Map<String, String> environment = builder.environment();
    environment.put("PATH", folder + ":" + environment.get("PATH"));
    environment.put("CP", System.getProperty("java.class.path"));
    environment.put("MAIN", Connecting.class.getName());
    environment.put("SLURM_JOB_NODELIST", "nodes");
    environment.put("SLURM_JOB_ID", "" + ProcessHandle.current().pid());
    environment.put("SLURM_NTASKS", "3");
    environment.put("SLURM_CPUS_PER_TASK", "1");
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    assertThat(output.lines()).containsExactly("sum 3.0", "sum 3.0", "sum 3.0");
  }
}
