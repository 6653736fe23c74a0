package sluice.demo.secrets;

/** A value that is shown to nobody: not in logs, not in answers, not by accident. */
public final class Secret {
    private final String value;

    Secret(String value) {
        this.value = value;
    }

    /** The value itself, for the one call that needs it. */
    public String reveal() {
        return value;
    }

    boolean isPresent() {
        return !value.isBlank();
    }

    @Override
    public String toString() {
        return isPresent() ? "****" : "(not set)";
    }
}
