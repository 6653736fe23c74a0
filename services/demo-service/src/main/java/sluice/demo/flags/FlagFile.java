package sluice.demo.flags;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * The mounted file, read anew each time.
 *
 * <p>A ConfigMap volume changes by swapping a symlink above the file (Kubernetes, "Mounted ConfigMaps are updated
 * automatically"): neither the path nor, for sure, its time stamp tells, so the content does.
 */
final class FlagFile {
    /** A ConfigMap holds no more. */
    private static final int LARGEST = 1024 * 1024;

    private final Path path;

    FlagFile(Path path) {
        this.path = path;
    }

    Reading read() {
        try (InputStream file = Files.newInputStream(path)) {
            byte[] content = file.readNBytes(LARGEST + 1);
            return content.length > LARGEST
                    ? new Unreadable("it is larger than " + LARGEST + " bytes")
                    : new Content(new String(content, StandardCharsets.UTF_8));
        } catch (NoSuchFileException absent) {
            return new Absent();
        } catch (IOException unreadable) {
            return new Unreadable(unreadable.getMessage());
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }

    sealed interface Reading {}

    record Content(String text) implements Reading {}

    record Absent() implements Reading {}

    record Unreadable(String why) implements Reading {}
}
