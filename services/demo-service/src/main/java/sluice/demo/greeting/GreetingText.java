package sluice.demo.greeting;

import org.springframework.boot.context.properties.ConfigurationProperties;

/**
 * The words around a name, as the ConfigMap says.
 *
 * @param prefix from {@code GREETING_PREFIX}; a comma and a space follow it
 * @param suffix from {@code GREETING_SUFFIX}; follows the name directly
 */
@ConfigurationProperties("demo.greeting")
record GreetingText(String prefix, String suffix) {
    /** "Hello, World!" */
    String around(String name) {
        return prefix + ", " + name + suffix;
    }
}
