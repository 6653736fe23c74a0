package sluice.demo.flags;

import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * Where the flags come from.
 *
 * @param path from {@code FEATURE_FLAGS_PATH}; empty means no flags at all
 * @param lookEvery how often the file is looked at; the kubelet brings a changed ConfigMap only within about a minute
 */
@ConfigurationProperties("demo.flags")
record FlagSource(String path, Duration lookEvery) {}
