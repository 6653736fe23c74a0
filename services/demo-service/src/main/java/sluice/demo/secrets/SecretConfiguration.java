package sluice.demo.secrets;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Reads the secrets once at start and says which names came, never what they hold. */
@Configuration(proxyBeanMethods = false)
class SecretConfiguration {
    private static final Logger log = LoggerFactory.getLogger(SecretConfiguration.class);

    @Bean
    Secrets secrets() {
        Secrets secrets = Secrets.from(System.getenv());
        log.atInfo().addKeyValue("present", secrets.present()).addKeyValue("missing", secrets.missing())
                .log("secrets read");
        return secrets;
    }
}
