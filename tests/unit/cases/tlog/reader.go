// Copyright: (c) 2026, Holdfast contributors
// SPDX-License-Identifier: GPL-3.0-or-later

// Reads an exported ledger with golang.org/x/mod/sumdb alone: note for the signed head, tlog for the tree.
// Every entry is proved to be under the head; an older head, with the proof that the new one continues it, and a
// receipt with the record it is of, may follow. Exit 0 when all of it holds; 1, saying what does not.
//
// usage: reader DIR [tree CHECKPOINT PROOF | record RECEIPT RECORD]
package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	dir := args[0]
	vkey, err := os.ReadFile(filepath.Join(dir, "log.vkey"))
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return err
	}
	known := note.VerifierList(verifier)
	newest, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := head(newest, known)
	if err != nil {
		return err
	}
	if err := everyEntry(dir, tree); err != nil {
		return err
	}
	switch {
	case len(args) == 4 && args[1] == "tree":
		err = continues(args[2], args[3], tree, known)
	case len(args) == 4 && args[1] == "record":
		err = holds(args[2], args[3], known)
	}
	if err == nil {
		fmt.Println("accepted", tree.N)
	}
	return err
}

// head returns size and root of a checkpoint that the log signed.
func head(data []byte, known note.Verifiers) (tree tlog.Tree, err error) {
	opened, err := note.Open(data, known)
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 {
		return tree, errors.New("a checkpoint has three lines")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

// files reads C2SP's paths, which leave out the height that Go's have.
type files struct{ dir string }

func (f files) Height() int                     { return 8 }
func (f files) SaveTiles([]tlog.Tile, [][]byte) {}
func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		data, err := os.ReadFile(filepath.Join(f.dir, strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

// everyEntry proves each entry of each bundle, with tiles that are themselves proved to be under the head.
func everyEntry(dir string, tree tlog.Tree) error {
	reader := tlog.TileHashReader(tree, files{dir})
	root, err := tlog.TreeHash(tree.N, reader)
	if err != nil {
		return err
	}
	if root != tree.Hash {
		return errors.New("the tiles have another root")
	}
	var bundle []byte
	for index := int64(0); index < tree.N; index++ {
		if index%256 == 0 {
			width := tree.N - index
			if width > 256 {
				width = 256
			}
			tile := tlog.Tile{H: 8, L: 0, N: index / 256, W: int(width)}
			path := strings.Replace(tile.Path(), "tile/8/0/", "tile/entries/", 1)
			if bundle, err = os.ReadFile(filepath.Join(dir, path)); err != nil {
				return err
			}
		}
		if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
			return errors.New("a bundle ends too early")
		}
		length := int(binary.BigEndian.Uint16(bundle))
		entry := bundle[2 : 2+length]
		bundle = bundle[2+length:]
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
	}
	return nil
}

// continues checks that the tree begins with all entries of an older one.
func continues(older, proof string, tree tlog.Tree, known note.Verifiers) error {
	data, err := os.ReadFile(older)
	if err != nil {
		return err
	}
	old, err := head(data, known)
	if err != nil {
		return err
	}
	lines, err := os.ReadFile(proof)
	if err != nil {
		return err
	}
	hashes, err := hashesOf(strings.Split(strings.TrimSuffix(string(lines), "\n"), "\n"))
	if err != nil {
		return err
	}
	return tlog.CheckTree(hashes, tree.N, tree.Hash, old.N, old.Hash)
}

// holds checks a receipt, c2sp.org/tlog-proof, for a record's bytes.
func holds(receipt, record string, known note.Verifiers) error {
	data, err := os.ReadFile(receipt)
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(record)
	if err != nil {
		return err
	}
	parts := strings.SplitN(string(data), "\n\n", 2)
	lines := strings.Split(parts[0], "\n")
	if len(parts) != 2 || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("no receipt")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	hashes, err := hashesOf(lines[2:])
	if err != nil {
		return err
	}
	tree, err := head([]byte(parts[1]), known)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(hashes, tree.N, tree.Hash, index, tlog.RecordHash(entry))
}

func hashesOf(lines []string) (hashes []tlog.Hash, err error) {
	for _, line := range lines {
		data, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(data) != tlog.HashSize {
			return nil, errors.New("no hash")
		}
		var hash tlog.Hash
		copy(hash[:], data)
		hashes = append(hashes, hash)
	}
	return hashes, nil
}
