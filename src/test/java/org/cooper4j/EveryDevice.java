package org.cooper4j;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.lang.reflect.Method;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.ClassTemplate;
import org.junit.jupiter.api.extension.AfterClassTemplateInvocationCallback;
import org.junit.jupiter.api.extension.ClassTemplateInvocationContext;
import org.junit.jupiter.api.extension.ClassTemplateInvocationContextProvider;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.Extension;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;

/**
 * Runs the tests of a class on the CPU and once more on CUDA: {@link Devices} puts their tensors
 * there. Without a CUDA device the second run is skipped, test by test.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ClassTemplate
@ExtendWith(EveryDevice.Runs.class)
public @interface EveryDevice {
  /** A run for each device. */
  final class Runs implements ClassTemplateInvocationContextProvider {
    @Override
    public boolean supportsClassTemplate(ExtensionContext context) {
      return true;
    }

    @Override
    public Stream<Run> provideClassTemplateInvocationContexts(ExtensionContext context) {
      return Stream.of("cpu", "cuda").map(Run::new);
    }
  }

  /** The tests of a class on one device. */
  record Run(String device)
      implements ClassTemplateInvocationContext,
          InvocationInterceptor,
          AfterClassTemplateInvocationCallback {
    @Override
    public String getDisplayName(int index) {
      return device;
    }

    @Override
    public List<Extension> getAdditionalExtensions() {
      return List.of(this);
    }

    @Override
    public void prepareInvocation(ExtensionContext context) {
      Devices.use(device);
    }

    @Override
    public void interceptTestMethod(
        Invocation<Void> test, ReflectiveInvocationContext<Method> method, ExtensionContext context)
        throws Throwable {
      Devices.require();
      test.proceed();
    }

    @Override
    public void interceptTestTemplateMethod(
        Invocation<Void> test, ReflectiveInvocationContext<Method> method, ExtensionContext context)
        throws Throwable {
      interceptTestMethod(test, method, context);
    }

    /** Classes without the annotation stay on the CPU. */
    @Override
    public void afterClassTemplateInvocation(ExtensionContext context) {
      Devices.use("cpu");
    }
  }
}
