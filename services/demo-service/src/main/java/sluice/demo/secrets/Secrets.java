package sluice.demo.secrets;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** What the SOPS secret brings, by the names of its environment variables. */
public final class Secrets {
    static final List<String> NAMES = List.of("DATABASE_URL", "API_KEY", "JWT_SECRET", "OAUTH_CLIENT_SECRET");

    private final Map<String, Secret> byName = new LinkedHashMap<>();

    private Secrets(Map<String, String> environment) {
        NAMES.forEach(name -> byName.put(name, new Secret(environment.getOrDefault(name, ""))));
    }

    /**
     * Taken straight from the environment, not through Spring's properties: those resolve placeholders within a value,
     * and print the value when that or a conversion fails.
     */
    static Secrets from(Map<String, String> environment) {
        return new Secrets(environment);
    }

    /** @param name one of {@link #NAMES} */
    public Secret named(String name) {
        if (!byName.containsKey(name)) {
            throw new IllegalArgumentException("no secret is called " + name + "; known are " + NAMES);
        }
        return byName.get(name);
    }

    List<String> present() {
        return namesWhere(Secret::isPresent);
    }

    List<String> missing() {
        return namesWhere(Predicate.not(Secret::isPresent));
    }

    @Override
    public String toString() {
        return byName.toString();
    }

    private List<String> namesWhere(Predicate<Secret> holds) {
        return NAMES.stream().filter(name -> holds.test(byName.get(name))).toList();
    }
}
