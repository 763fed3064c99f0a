use proptest::{collection::vec, option, prelude::*};
use resvg::usvg::roxmltree::Document;

use super::*;

fn series(name: &str, style: SeriesStyle, points: &[(f64, f64)]) -> Series {
    let point = |(x, y): &(f64, f64)| Point {
        x: *x,
        y: *y,
        interval: Some((y * 0.9, y * 1.1)),
        doubt: Doubt::None,
    };
    Series {
        name: name.to_owned(),
        style,
        points: points.iter().map(point).collect(),
    }
}

fn lines(series: Vec<Series>) -> Chart {
    Chart {
        title: "Mean latency by users".to_owned(),
        language: Language::English,
        body: Body::Lines(Lines {
            x_label: "users".to_owned(),
            y_label: "mean latency, ms".to_owned(),
            series,
        }),
    }
}

fn bars(groups: Vec<Group>) -> Chart {
    Chart {
        title: "CPU by component".to_owned(),
        language: Language::Portuguese,
        body: Body::Bars(Bars {
            x_label: "CPU, µs".to_owned(),
            parts: ["gateway", "a", "b"].map(str::to_owned).to_vec(),
            groups,
        }),
    }
}

fn bar(name: &str, amounts: Vec<Option<f64>>) -> Bar {
    Bar {
        name: name.to_owned(),
        amounts,
        interval: None,
        doubt: Doubt::None,
    }
}

/// The texts of a drawing that must be one, in both of its forms.
fn texts(chart: &Chart) -> Vec<String> {
    let svg = draw_svg(chart);
    for svg in [&svg, &draw_inline(chart)] {
        let document = Document::parse(svg).expect("well-formed XML");
        let root = document.root_element();
        assert!(root.has_attribute("viewBox"));
        assert_eq!(root.attribute("role"), Some("img"));
        for node in document.descendants() {
            for attribute in node.attributes() {
                let value = attribute.value();
                let is_number = !["aria-label", "font-family"].contains(&attribute.name());
                assert!(
                    !(is_number && (value.contains("NaN") || value.contains("inf"))),
                    "{}: {value}",
                    attribute.name()
                );
            }
        }
    }
    let document = Document::parse(&svg).expect("well-formed XML");
    document
        .descendants()
        .filter(|node| node.tag_name().name() == "text")
        .filter_map(|node| Some(node.text()?.trim().to_owned()))
        .collect()
}

/// The size that a PNG says it has.
fn png_size(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| {
        let bytes = png[at..at + 4].try_into().expect("four bytes");
        u32::from_be_bytes(bytes)
    };
    (number(16), number(20))
}

#[test]
fn every_name_and_load_is_written() {
    let chart = lines(vec![
        series(
            "grpc",
            SeriesStyle::Measured(0),
            &[(25.0, 3.0), (3200.0, 90.0)],
        ),
        series(
            "published",
            SeriesStyle::Published(0),
            &[(25.0, 76.0), (3200.0, 10_480.0)],
        ),
        series("ceiling", SeriesStyle::Bound, &[(25.0, 50.0)]),
    ]);
    let texts = texts(&chart);
    for expected in [
        "Mean latency by users",
        "grpc",
        "published",
        "ceiling",
        "users",
        "mean latency, ms",
        "25",
        "3200",
        "10,000",
    ] {
        assert!(
            texts.iter().any(|text| text == expected),
            "{expected}: {texts:?}"
        );
    }
}

#[test]
fn bars_say_their_names_and_sums() {
    let chart = bars(vec![Group {
        name: "25 usuários".to_owned(),
        bars: vec![
            bar("grpc", vec![Some(1.0), Some(0.25), None]),
            bar("rest", vec![None, None, None]),
        ],
    }]);
    let texts = texts(&chart);
    for expected in [
        "25 usuários",
        "grpc",
        "rest",
        "gateway",
        "a",
        "b",
        "1,25",
        "–",
    ] {
        assert!(
            texts.iter().any(|text| text == expected),
            "{expected}: {texts:?}"
        );
    }
}

#[test]
fn a_doubtful_figure_has_a_mark_beside_it() {
    let mut doubtful = series("grpc", SeriesStyle::Measured(0), &[(25.0, 3.0)]);
    let sure = lines(vec![doubtful.clone()]);
    doubtful.points[0].doubt = Doubt::Marked;
    let marks = |chart: &Chart| texts(chart).iter().filter(|text| *text == "!").count();
    assert_eq!(marks(&sure), 0);
    assert_eq!(marks(&lines(vec![doubtful])), 1);
}

#[test]
fn absent_partial_and_impossible_figures_leave_a_chart() {
    let odd = [
        (25.0, f64::NAN),
        (0.0, 1.0),
        (50.0, f64::INFINITY),
        (100.0, -1.0),
        (200.0, f64::MAX),
    ];
    for (chart, says) in [
        (lines(vec![]), "no figures yet"),
        (
            lines(vec![series("grpc", SeriesStyle::Measured(0), &[])]),
            "no figures yet",
        ),
        (
            lines(vec![series("grpc", SeriesStyle::Measured(0), &odd)]),
            "no figures yet",
        ),
        (
            lines(vec![series(
                "grpc",
                SeriesStyle::Measured(0),
                &[(25.0, 3.0)],
            )]),
            "25",
        ),
        (bars(vec![]), "ainda sem valores"),
    ] {
        let texts = texts(&chart);
        assert!(texts.iter().any(|text| text == says), "{says}: {texts:?}");
    }
}

#[test]
fn names_cannot_become_markup() {
    let hostile = "</text><script>\u{0}\u{1b}\"'&";
    let chart = lines(vec![series(
        hostile,
        SeriesStyle::Measured(0),
        &[(25.0, 3.0)],
    )]);
    let texts = texts(&chart);
    assert!(
        texts.iter().any(|text| text.starts_with("</text><script>")),
        "{texts:?}"
    );
    assert!(!draw_inline(&chart).contains("<script"));
}

#[test]
fn a_picture_is_drawn_with_letters() {
    let chart = lines(vec![series(
        "grpc",
        SeriesStyle::Measured(0),
        &[(25.0, 3.0)],
    )]);
    let mut mute = chart.clone();
    mute.title = " ".to_owned();
    let [png, without] = [&chart, &mute].map(|chart| draw_png(chart).expect("a picture"));
    let (width, height) = png_size(&png);
    assert_eq!(width, 1440);
    assert!((600..1200).contains(&height), "{height}");
    assert_ne!(png, without, "the font is missing");
}

fn figure() -> impl Strategy<Value = f64> {
    prop_oneof![
        1e-12..1e18f64,
        (-18.0..308.0f64).prop_map(|power| 10f64.powf(power)),
        Just(f64::MIN_POSITIVE),
        Just(1.0),
    ]
}

fn style() -> impl Strategy<Value = SeriesStyle> {
    prop_oneof![
        any::<usize>().prop_map(SeriesStyle::Measured),
        any::<usize>().prop_map(SeriesStyle::Published),
        Just(SeriesStyle::Bound),
    ]
}

proptest! {
    #[test]
    fn any_positive_figures_are_drawn(
        all in vec((".{0,90}", style(), vec((figure(), figure(), option::of((figure(), figure()))), 0..6)), 0..5)
    ) {
        let series = all.into_iter().map(|(name, style, points)| Series {
            name,
            style,
            points: points.into_iter().map(|(x, y, interval)| Point {
                x,
                y,
                interval,
                doubt: Doubt::Marked,
            }).collect(),
        });
        texts(&lines(series.collect()));
    }

    #[test]
    fn any_positive_amounts_are_drawn(
        all in vec((".{0,90}", vec(option::of(figure()), 0..4), option::of((figure(), figure()))), 0..9)
    ) {
        let group = Group {
            name: all.first().map_or_else(String::new, |(name, ..)| name.clone()),
            bars: all.into_iter().map(|(name, amounts, interval)| Bar {
                interval,
                ..bar(&name, amounts)
            }).collect(),
        };
        texts(&bars(vec![group.clone(), group]));
    }
}
