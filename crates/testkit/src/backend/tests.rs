//! The backend as a plain HTTP/2 client sees it.
