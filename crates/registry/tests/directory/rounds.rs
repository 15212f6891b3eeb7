//! The rounds that cron goes, a page at a time.

use super::*;

#[test]
fn a_round_goes_past_every_tenant_once_however_many_a_page_holds() {
    let store = SqliteStore::in_memory().unwrap();
    assert_eq!(next_page(&store, 4), DirectoryPage { tenants: vec![], ends_round: true });
    let numbers = [0, 1, 2, 5, 9, 300, 65_535];
    for number in numbers {
        allot(&store, number).unwrap();
    }
    tell(&store, &[destroyed(4, 1, 1)]);
    for limit in 1..=8 {
        for _ in 0..2 {
            let mut seen = Vec::new();
            loop {
                let page = next_page(&store, limit);
                assert!(page.tenants.len() <= limit as usize);
                seen.extend(page.tenants);
                if page.ends_round {
                    break;
                }
            }
            assert_eq!(seen, numbers, "limit {limit}");
        }
    }
}

#[test]
fn a_page_that_is_given_counts_as_looked_at_so_that_a_broken_tenant_holds_up_no_other() {
    let store = SqliteStore::in_memory().unwrap();
    for number in 1..=4 {
        allot(&store, number).unwrap();
    }
    assert_eq!(next_page(&store, 2).tenants, [1, 2]);
    // Whoever took that page never came back.
    assert_eq!(next_page(&store, 2).tenants, [3, 4]);
    assert_eq!(next_page(&store, 2).tenants, [1, 2]);
}
