package sluice.demo.release;

import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * What runs where: the version and the environment, as the ConfigMap says.
 *
 * @param version from {@code APP_VERSION}
 * @param environment from {@code ENVIRONMENT}
 */
@ConfigurationProperties("demo.release")
public record Release(String version, String environment) {}
