import java.io.File;
import org.gradle.api.Project;
import org.gradle.api.internal.project.ProjectInternal;
import org.gradle.testfixtures.ProjectBuilder;

/** Evaluates the build.gradle of a folder, and prints a configuration's files as a class path. */
final class ClassPath {
  private ClassPath() {}

  public static void main(String[] args) {
    int status = 1;
    try {
      Project project =
          ProjectBuilder.builder()
              .withProjectDir(new File(args[0]))
              .withGradleUserHomeDir(new File(args[1]))
              .build();
      ((ProjectInternal) project).evaluate();
      System.out.println(project.getConfigurations().getByName(args[2]).getAsPath());
      status = 0;
    } catch (RuntimeException e) {
      e.printStackTrace();
    }
    System.exit(status); // Gradle's own threads would go on
  }
}
