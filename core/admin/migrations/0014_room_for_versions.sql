-- Leaves more room in the pages of transfers and wallets, so that a new version of a row finds room beside the old one (HOT).
-- Every transfer gets a second version with its outcome, so its page needs room for as many rows again. While a snapshot is held no
-- page is pruned: an UPDATE that finds no room writes to each index, and each look by a wallet's id meets its index entries.
-- Pages that exist stay as they are. docs/decisions/0094-room-in-pages.md has the figures.
ALTER TABLE transfers SET (fillfactor = 50);
ALTER TABLE wallets SET (fillfactor = 25);
