package sluice.demo;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.boot.test.autoconfigure.web.servlet.AutoConfigureMockMvc;
import org.springframework.boot.test.context.SpringBootTest;

/** The whole service without a port, configured by the names the ConfigMap uses; started once for all such tests. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@AutoConfigureMockMvc
@SpringBootTest(properties = {
    "APP_VERSION=1.2.3", "ENVIRONMENT=staging", "GREETING_PREFIX=Ahoy", "GREETING_SUFFIX=?"
})
public @interface WebTest {}
