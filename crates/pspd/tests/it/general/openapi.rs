//! dev
use super::*;
#[test]
#[ignore]
fn by_hand() {
    let library = Library::start();
    std::fs::write("/tmp/wo/address", library.address().to_string()).expect("written");
    while !std::path::Path::new("/tmp/wo/stop").exists() {
        std::thread::sleep(std::time::Duration::from_millis(200));
        let _ = library.backend.take_received();
    }
}
