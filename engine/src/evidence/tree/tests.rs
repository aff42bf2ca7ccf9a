use schemas::unhex;

use super::*;

/// Inputs and roots of the reference implementation of RFC 6962, published with Certificate Transparency.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn hash(text: &str) -> Hash {
    unhex(text).expect("hex").try_into().expect("32 bytes")
}

fn published() -> Tree {
    Tree::of(LEAVES.iter().map(|leaf| leaf_hash(&unhex(leaf).expect("hex"))).collect())
}

fn grown(size: u64) -> Tree {
    let mut tree = Tree::default();
    (0..size).for_each(|leaf| tree.push(leaf_hash(&leaf.to_be_bytes())));
    tree
}

#[test]
fn roots_are_the_published_ones() {
    assert_eq!(empty_root(), hash("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    let tree = published();
    for (size, root) in (1..).zip(ROOTS) {
        assert_eq!(tree.root_at(size), Some(hash(root)), "of {size} leaves");
    }
    assert_eq!(tree.root_at(9), None);
}

#[test]
fn inclusion_proofs_are_the_published_ones() {
    let tree = published();
    let check = |leaf: u64, size: u64, path: &[&str]| {
        let path: Vec<Hash> = path.iter().map(|node| hash(node)).collect();
        assert_eq!(tree.inclusion(leaf - 1, size), Some(path), "of leaf {leaf} among {size}");
    };
    check(1, 1, &[]);
    check(
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    );
    check(
        6,
        8,
        &[
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    );
    check(3, 3, &["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]);
    check(
        2,
        5,
        &[
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    );
}

#[test]
fn consistency_proofs_are_the_published_ones() {
    let tree = published();
    let check = |old: u64, new: u64, path: &[&str]| {
        let path: Vec<Hash> = path.iter().map(|node| hash(node)).collect();
        assert_eq!(tree.consistency(old, new), Some(path), "from {old} to {new}");
    };
    check(1, 1, &[]);
    check(
        1,
        8,
        &[
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ],
    );
    check(
        6,
        8,
        &[
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ],
    );
    check(
        2,
        5,
        &[
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        ],
    );
}

/// The tree of seven leaves that RFC 9162, section 2.1.5, draws: its proofs are named there node by node.
#[test]
fn the_drawn_tree_has_the_drawn_proofs() {
    let tree = grown(7);
    let leaves = tree.leaves().to_vec();
    let [a, b, c, d, e, f, j] = leaves.try_into().expect("seven");
    let (g, h, i) = (node_hash(&a, &b), node_hash(&c, &d), node_hash(&e, &f));
    let (k, l) = (node_hash(&g, &h), node_hash(&i, &j));
    assert_eq!(tree.root_at(7), Some(node_hash(&k, &l)));
    assert_eq!(tree.inclusion(0, 7), Some(vec![b, h, l]));
    assert_eq!(tree.inclusion(3, 7), Some(vec![c, g, l]));
    assert_eq!(tree.inclusion(4, 7), Some(vec![f, j, k]));
    assert_eq!(tree.inclusion(6, 7), Some(vec![i, k]));
    assert_eq!(tree.consistency(3, 7), Some(vec![c, d, g, l]));
    assert_eq!(tree.consistency(4, 7), Some(vec![l]));
    assert_eq!(tree.consistency(6, 7), Some(vec![i, j, k]));
}

#[test]
fn every_proof_of_small_trees_is_good_and_none_is_when_anything_differs() {
    let tree = grown(70);
    let root = |size| tree.root_at(size).expect("there");
    for size in 1..=70 {
        for index in 0..size {
            let leaf = tree.leaves()[index as usize];
            let path = tree.inclusion(index, size).expect("there");
            assert!(is_included(&leaf, index, size, &path, &root(size)), "{index} of {size}");
            assert!(!is_included(&leaf, index, size, &path, &root(size % 70 + 1)));
            assert!(!is_included(&leaf, (index + 1) % size, size, &path, &root(size)) || size == 1);
            let longer = [path.as_slice(), &[leaf]].concat();
            assert!(!is_included(&leaf, index, size, &longer, &root(size)));
            for at in 0..path.len() {
                let mut other = path.clone();
                other[at][0] ^= 1;
                assert!(!is_included(&leaf, index, size, &other, &root(size)));
                other.remove(at);
                assert!(!is_included(&leaf, index, size, &other, &root(size)));
            }
        }
        for old in 0..=size {
            let path = tree.consistency(old, size).expect("there");
            assert!(is_consistent(old, &root(old), size, &root(size), &path), "{old} to {size}");
            let forked = node_hash(&root(old), &root(size));
            assert!(!is_consistent(old, &forked, size, &root(size), &path));
            // Every tree has grown from the one without leaves.
            assert!(old == 0 || !is_consistent(old, &root(old), size, &forked, &path));
            for at in 0..path.len() {
                let mut other = path.clone();
                other[at][0] ^= 1;
                assert!(!is_consistent(old, &root(old), size, &root(size), &other));
                other.remove(at);
                assert!(!is_consistent(old, &root(old), size, &root(size), &other));
            }
        }
    }
}

#[test]
fn a_tree_that_grows_is_the_one_made_at_once() {
    for size in 0..140 {
        let (grown, made) = (grown(size), Tree::of((0..size).map(|leaf| leaf_hash(&leaf.to_be_bytes())).collect()));
        for level in 0..9 {
            assert_eq!(grown.level(level), made.level(level), "level {level} of {size}");
        }
    }
}
