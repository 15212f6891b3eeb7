//! A service of wasi:http 0.3 that knows nothing of keys: it says what it hears.

// What compilers put in by themselves is 0.2 still.
use wasip2::cli::environment as of_0_2;
use wasip3::cli::environment as of_0_3;
use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response};
use wasip3::{wit_bindgen, wit_future, wit_stream};

struct Example;

wasip3::http::service::export!(Example);

impl wasip3::exports::http::handler::Guest for Example {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let method = match request.get_method() {
            Method::Get => "GET",
            Method::Post => "POST",
            _ => "-",
        };
        let target = request.get_path_with_query().unwrap_or_default();
        let mut text = format!("{method} {target}\n");
        for (name, value) in request.get_headers().copy_all() {
            text += &format!("{name}: {}\n", String::from_utf8_lossy(&value));
        }
        let (_unused, accepted) = wit_future::new(|| Ok(()));
        let (body, trailers) = Request::consume_body(request, accepted);
        text += &format!("\n{}", String::from_utf8_lossy(&body.collect().await));
        match trailers.await {
            Ok(None) => {}
            Ok(Some(trailers)) => {
                for (name, value) in trailers.copy_all() {
                    text += &format!("\ntrailer {name}: {}\n", String::from_utf8_lossy(&value));
                }
            }
            Err(_) => text += "\nbroken off\n",
        }
        if target == "/trap" {
            std::process::abort();
        }
        if target == "/environment" {
            text +=
                &format!("0.2: {:?}, {:?}\n", of_0_2::get_environment(), of_0_2::get_arguments());
            text +=
                &format!("0.3: {:?}, {:?}\n", of_0_3::get_environment(), of_0_3::get_arguments());
        }
        let (mut writer, body) = wit_stream::new();
        let (trailers, no_trailers) = wit_future::new(|| Ok(None));
        drop(trailers);
        let (response, _sent) = Response::new(Fields::new(), Some(body), no_trailers);
        wit_bindgen::spawn_local(async move { writer.write_all(text.into_bytes()).await });
        Ok(response)
    }
}
