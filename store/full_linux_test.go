package store_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tripline/learn"
	"tripline/store"
)

// mountEnv tells a child of a test where to mount a small file system of its
// own, and which test it plays.
const mountEnv = "TRIPLINE_STORE_MOUNT"

// inSmallDisk runs the calling test again in a mount namespace of its own, with
// 4 MiB of disk mounted at dir. It returns false in the parent.
func inSmallDisk(t *testing.T) (dir string, inside bool) {
	t.Helper()
	if dir := os.Getenv(mountEnv); dir != "" {
		must(t, syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""))
		must(t, syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"))
		return dir, true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), mountEnv+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if _, ran := errors.AsType[*exec.ExitError](err); err != nil && !ran {
		t.Skipf("no user namespace to mount in: %v", err)
	}
	if err != nil && strings.Contains(string(out), "operation not permitted") {
		t.Skip("mounting is not permitted here")
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return "", false
}

func TestFullDiskLosesNothingAndCanBeFreed(t *testing.T) {
	dir, inside := inSmallDisk(t)
	if !inside {
		return
	}
	path := filepath.Join(dir, "tripline.db")
	s, err := store.Open(path, store.Options{})
	must(t, err)
	w := newTwin()
	first := store.Batch{Run: "r", Flows: flowsUpTo(2000), Cursors: map[string][]byte{"log": []byte("1")}}
	must(t, s.Commit(first))
	w.commit(first)
	filler := filepath.Join(dir, "filler")
	must(t, fill(filler))
	second := store.Batch{Run: "r", Flows: busy(100_000, 30_000), Cursors: map[string][]byte{"log": []byte("2")}}
	for range 3 {
		err = s.Commit(second)
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), path+": nothing was written, it needs ") || learn.HintOf(err) == "" {
			t.Fatalf("got %v, want no space, the file, what it needs and a hint", err)
		}
	}
	t.Log(err)
	w.compare(t, s)
	must(t, os.Remove(filler))
	third := store.Batch{Run: "r", Flows: flowsUpTo(3000), Cursors: map[string][]byte{"log": []byte("3")}}
	must(t, s.Commit(third))
	w.commit(third)
	w.compare(t, s)
	must(t, s.Close())
	s, err = store.Open(path, store.Options{})
	must(t, err)
	w.compare(t, s)
	must(t, s.Close())
}

// fill takes all the space that is left.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return f.Close()
}

func TestFullDiskAtCreation(t *testing.T) {
	dir, inside := inSmallDisk(t)
	if !inside {
		return
	}
	must(t, fill(filepath.Join(dir, "filler")))
	path := filepath.Join(dir, "tripline.db")
	if _, err := store.Open(path, store.Options{}); !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want no space and the place", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("half a file is there")
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	dir, inside := inSmallDisk(t)
	if !inside {
		return
	}
	path := filepath.Join(dir, "tripline.db")
	s, err := store.Open(path, store.Options{})
	must(t, err)
	must(t, s.Commit(store.Batch{Run: "r", Flows: flowsUpTo(3)}))
	must(t, s.Close())
	must(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	for _, name := range []string{"tripline.db", "new.db", "deep/new.db"} {
		_, err := store.Open(filepath.Join(dir, name), store.Options{})
		if !errors.Is(err, syscall.EROFS) || !strings.Contains(err.Error(), dir) || learn.HintOf(err) == "" {
			t.Errorf("%s: got %v, want a read-only file system, the place and a hint", name, err)
		}
	}
	s, err = store.Open(path, store.Options{ReadOnly: true, Holder: "reader"})
	must(t, err)
	must(t, s.Check())
	must(t, s.Close())
}
