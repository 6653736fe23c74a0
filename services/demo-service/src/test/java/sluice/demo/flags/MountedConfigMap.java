package sluice.demo.flags;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * A folder laid out and changed as the kubelet does it.
 *
 * <p>{@code KEY -> ..data/KEY}, {@code ..data -> ..REVISION}; a change writes a new revision and renames a new
 * {@code ..data} over the old one (kubernetes/pkg/volume/util/atomic_writer.go).
 */
public final class MountedConfigMap {
    private final Path folder;
    private final String key;
    private int revision;

    public MountedConfigMap(Path folder, String key) throws IOException {
        this.folder = folder;
        this.key = key;
        Files.createSymbolicLink(file(), Path.of("..data", key));
    }

    public Path file() {
        return folder.resolve(key);
    }

    public void swap(String content) throws IOException {
        Path name = Path.of("..revision-" + ++revision);
        Files.writeString(Files.createDirectory(folder.resolve(name)).resolve(key), content);
        Path next = Files.createSymbolicLink(folder.resolve("..data_tmp"), name);
        Files.move(next, folder.resolve("..data"), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    public void remove() throws IOException {
        Files.delete(file());
    }
}
