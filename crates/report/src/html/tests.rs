use std::collections::BTreeSet;

use super::*;
use crate::testing;

fn of(run: &results::Run) -> String {
    page(&testing::digest(run))
}

/// What a tag asks the browser for, and from where.
fn loads(page: &str) -> Vec<&str> {
    let starts = ["src=", "href=", "url(", "@import", "srcset=", "data="];
    let places = |start: &'static str| {
        let found = page.match_indices(start);
        found.map(move |(at, _)| &page[at..(at + 40).min(page.len())])
    };
    starts.into_iter().flat_map(places).collect()
}

/// The names of the tags that are opened.
fn tags(page: &str) -> BTreeSet<&str> {
    let mut pieces = page.split('<');
    pieces.next();
    pieces
        .map(|piece| piece.split([' ', '>', '/']).next().unwrap_or_default())
        .filter(|name| !name.is_empty())
        .collect()
}

/// Headings with their levels, in order.
fn headings(page: &str) -> String {
    let lines = page.split("<h").skip(1).filter_map(|piece| {
        let level = piece.chars().next().filter(char::is_ascii_digit)?;
        let text = piece.split_once('>')?.1.split("</h").next()?;
        let indent = "  ".repeat(level.to_digit(10)? as usize - 1);
        Some(format!("{indent}{text}"))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    for run in [
        testing::published_run(),
        testing::open_loop_run(),
        testing::eventful_run(),
    ] {
        let page = of(&run);
        for load in loads(&page) {
            let inside = load.starts_with("href=\"#") || load.starts_with("href=\"data:,\"");
            assert!(inside, "{load}");
        }
        assert!(page.contains("default-src 'none'"));
        assert!(!tags(&page).contains("script"));
    }
}

#[test]
fn no_text_becomes_markup() {
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;";
    let plain = testing::eventful_run();
    let mut run = plain.clone();
    run.experiment.title = hostile.to_owned();
    run.pspd_version = hostile.to_owned();
    run.machine.cpu_model = Some(hostile.to_owned());
    run.experiment.targets[1].name = hostile.to_owned();
    for request in &mut run.experiment.requests {
        request.name = hostile.to_owned();
    }
    for block in &mut run.blocks {
        if block.target == "rest" {
            block.target = hostile.to_owned();
        }
        for route in &mut block.routes {
            route.route = hostile.to_owned();
        }
        for cost in &mut block.costs {
            cost.role = format!("{hostile}{}", cost.role);
        }
    }
    let page = of(&run);
    assert!(page.contains("&lt;script&gt;alert(1)"));
    // Neither as a tag nor out of an attribute.
    assert!(!page.contains("\"'>") && !page.contains("<img"));
    assert_eq!(tags(&page).difference(&tags(&of(&plain))).count(), 0);
}

#[test]
fn both_languages_are_there_and_one_is_chosen() {
    let page = of(&testing::published_run());
    let chosen: Vec<_> = page
        .split("<input ")
        .skip(1)
        .filter(|input| {
            input
                .split('>')
                .next()
                .is_some_and(|input| input.contains(" checked"))
        })
        .collect();
    assert_eq!(chosen.len(), 1);
    assert!(chosen[0].contains("to-english"));
    for text in [
        "<main class=\"english\" lang=\"en\">",
        "<main class=\"portuguese\" lang=\"pt-BR\">",
        "Findings",
        "Resultados",
        "mean latency, ms",
        "latência média, ms",
        "published REST (original)",
        "REST publicado (original)",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn every_anchor_that_is_linked_to_is_there_once() {
    let page = of(&testing::published_run());
    for link in page.split("href=\"#").skip(1) {
        let anchor = link.split('"').next().unwrap_or_default();
        assert_eq!(
            page.matches(&format!("id=\"{anchor}\"")).count(),
            1,
            "{anchor}"
        );
    }
}

#[test]
fn the_page_in_outline() {
    insta::assert_snapshot!(headings(&of(&testing::published_run())));
}

#[test]
fn an_open_loop_has_streams_and_uncorrected_latencies() {
    let page = of(&testing::open_loop_run());
    for text in [
        "Inside the streams",
        "p99 from sending",
        "Dentro dos fluxos",
        "200/s",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn warnings_come_before_findings_and_the_run_says_that_it_is_not_whole() {
    let page = of(&testing::eventful_run());
    let at = |text: &str| {
        page.find(text)
            .unwrap_or_else(|| unreachable!("{text} is missing"))
    };
    assert!(at("The run stopped early: 20 of 30 blocks") < at("Before you believe"));
    assert!(at("gen-busy") < at("All ratios"));
}

#[test]
fn a_run_without_blocks_is_a_page() {
    let mut run = testing::published_run();
    run.blocks.clear();
    let page = of(&run);
    assert!(page.contains("No block is complete yet."));
    assert!(!page.contains("<svg"));
}

#[test]
fn the_steps_of_a_search_are_shown() {
    let page = of(&testing::search_run());
    for text in [
        "Steps of the searches",
        "238.0/s",
        "arrivals waited",
        "chegadas esperaram",
        "generator at its limit",
        "raise --in-flight-max",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!of(&testing::published_run()).contains("Steps of the searches"));
}

#[test]
fn the_median_of_several_routes_together_is_left_out() {
    let mut run = testing::published_run();
    let dashes = |run: &results::Run| {
        let page = of(run);
        let table = page
            .split_once("<h3>Throughput and latency")
            .expect("it is there")
            .1;
        let table = table.split_once("</table>").expect("it ends").0;
        table.matches(">–<").count()
    };
    assert_eq!(dashes(&run), 4, "one for each cell");
    for words in ["p50 is left out where", "O p50 é omitido onde"] {
        assert!(of(&run).contains(words), "{words}");
    }
    run.experiment.requests.truncate(1);
    assert!(!of(&run).contains("p50 is left out where"));
    assert_eq!(dashes(&run), 0);
}

#[test]
fn the_order_of_blocks_is_told_as_it_is() {
    let page = of(&testing::published_run());
    assert!(!page.contains("random order") && !page.contains("ordem aleat"));
    assert!(page.contains("the loads keep their order"));
    assert!(page.contains("88 to 92%") && page.contains("88 a 92%"));
}

#[test]
fn the_ends_of_a_narrow_interval_are_told_apart_in_the_grid() {
    let mut run = testing::published_run();
    for (block, noise) in run
        .blocks
        .iter_mut()
        .zip([1.0, 1.001, 1.002].into_iter().cycle())
    {
        for cost in &mut block.costs {
            let factor = if block.target == "rest" { 1.002 } else { 1.0 };
            cost.peak_bytes = Some((1e9 * factor * (1.0 + noise / 1e4)) as u64);
        }
    }
    let page = of(&run);
    assert!(!page.contains("1.00 – 1.00"));
    assert!(page.contains("1.0020"), "the ratio of memory");
}

#[test]
fn messages_have_a_table_where_calls_have_streams_of_them() {
    let page = of(&testing::conversations_run());
    assert!(page.contains("Messages of the streams"), "{page}");
    assert!(page.contains("round trip p50"), "{page}");
    assert!(!of(&testing::published_run()).contains("Messages of the streams"));
}
