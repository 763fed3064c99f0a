use super::*;
use crate::{Lack, Metric, testing};

fn contrast(ratio: Result<stats::Ratio, NoRatio>, metric: Metric) -> Contrast<'static> {
    Contrast {
        load: LoadPoint::Users(400),
        metric,
        route: None,
        base: "grpc",
        other: "rest",
        ratio,
        pairs: 5,
        left_out: 0,
        lacks: Vec::new(),
        stands: false,
    }
}

/// Values of `rest` against a constant `grpc`.
fn ratio(values: &[f64]) -> Result<stats::Ratio, NoRatio> {
    let ratio = stats::Ratio::paired(&vec![1.0; values.len()], values, stats::Confidence::P95);
    Ok(ratio.expect("usable"))
}

fn both(contrast: &Contrast<'_>) -> String {
    Language::ALL
        .map(|language| contrast.verdict(language).text)
        .join("\n")
}

#[test]
fn a_difference_is_named_with_its_interval() {
    let contrast = contrast(ratio(&[1.31, 1.29, 1.34, 1.30, 1.32]), Metric::Cpu);
    insta::assert_snapshot!(both(&contrast));
    assert_eq!(contrast.outcome(), Outcome::Differs);
}

#[test]
fn no_difference_says_what_could_have_been_seen() {
    let contrast = contrast(ratio(&[1.02, 0.99, 0.98, 1.01, 1.0]), Metric::P99);
    insta::assert_snapshot!(both(&contrast));
    assert_eq!(contrast.outcome(), Outcome::NotDetected);
}

#[test]
fn what_varies_in_no_repetition_has_no_interval() {
    let texts = [1.0, 0.8125].map(|value| both(&contrast(ratio(&[value; 5]), Metric::Bytes)));
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn every_metric_has_words() {
    let words = Metric::ALL.map(|metric| both(&contrast(ratio(&[2.0, 2.1, 1.9]), metric)));
    insta::assert_snapshot!(words.join("\n"));
}

#[test]
fn what_is_missing_is_said_plainly() {
    let few = contrast(Err(NoRatio::TooFewPairs { pairs: 1 }), Metric::Cpu);
    let unknown = contrast(
        Err(NoRatio::Unknown {
            targets: vec!["rest".into()],
        }),
        Metric::Memory,
    );
    let mut partly = contrast(ratio(&[2.0, 2.1, 1.9]), Metric::P50);
    (partly.route, partly.pairs, partly.left_out) = (Some("hello"), 3, 2);
    partly.lacks = vec![Lack::NothingServed];
    let mut alike = contrast(ratio(&[1.0; 3]), Metric::Bytes);
    (alike.pairs, alike.left_out) = (3, 2);
    alike.lacks = vec![Lack::BytesUnseen];
    let (targets, blocks, of) = (vec!["rest".to_owned()], 2, 5);
    let nothing = NoRatio::ServedNothing {
        targets: targets.clone(),
        blocks,
        of,
    };
    let nothing = contrast(Err(nothing), Metric::RequestsPerSecond);
    let zero = contrast(
        Err(NoRatio::Zero {
            targets,
            blocks,
            of,
        }),
        Metric::Cpu,
    );
    let lacking = |lack: Lack, metric: Metric| {
        let lacks = vec![lack];
        contrast(
            Err(NoRatio::Lacking {
                missing: 3,
                of,
                lacks,
            }),
            metric,
        )
    };
    let all = [
        few,
        unknown,
        partly,
        alike,
        nothing,
        zero,
        lacking(Lack::NothingServed, Metric::P99),
        lacking(Lack::BytesUnseen, Metric::Bytes),
    ];
    insta::assert_snapshot!(all.map(|of| both(&of)).join("\n"));
}

#[test]
fn a_narrow_interval_is_printed_with_enough_digits_to_exclude_one() {
    let text = both(&contrast(ratio(&[1.0021, 1.0022, 1.0023]), Metric::Bytes));
    assert!(
        text.contains("1.0022x the bytes of grpc per request (95% CI 1.0020 to 1.0024)"),
        "{text}"
    );
}

#[test]
fn a_whole_run_in_words() {
    let run = testing::published_run();
    let digest = testing::digest(&run);
    let all = Language::ALL.map(|language| {
        let groups = verdicts(&digest, language);
        let mut lines: Vec<String> = groups
            .iter()
            .flat_map(|group| &group.verdicts)
            .map(|verdict| format!("{:?}: {}", verdict.outcome, verdict.text))
            .collect();
        lines.extend(multiplicity(&digest.multiplicity, language));
        lines.join("\n")
    });
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn what_is_never_known_is_said_once() {
    let mut run = testing::published_run();
    for block in &mut run.blocks {
        if block.target == "rest" {
            block.costs.retain(|cost| cost.role == accounts::GENERATOR);
        }
    }
    let digest = testing::digest(&run);
    let groups = verdicts(&digest, Language::English);
    let last = groups.last().expect("there are verdicts");
    assert_eq!(
        last.verdicts[0].text,
        "no verdict on CPU per request, bytes per request, peak memory and context switches per \
         request between rest and grpc: not known of rest"
    );
    let unknown = groups.iter().flat_map(|group| &group.verdicts);
    assert_eq!(unknown.filter(|of| of.outcome == Outcome::None).count(), 1);
}

#[test]
fn what_is_unknown_at_one_load_is_said_of_that_load() {
    let mut run = testing::published_run();
    let heavy = run.blocks.iter_mut();
    for block in heavy.filter(|block| block.load == LoadPoint::Users(400)) {
        block.costs.retain(|cost| cost.role == accounts::GENERATOR);
    }
    let digest = testing::digest(&run);
    let groups = verdicts(&digest, Language::English);
    assert!(
        groups.iter().all(|group| group.load.is_some()),
        "{groups:?}"
    );
    let last = groups[1].verdicts.last().expect("there are verdicts");
    assert!(
        last.text
            .starts_with("at 400 users, no verdict on CPU per request"),
        "{last:?}"
    );
}

#[test]
fn too_few_repetitions_are_said_once_a_load() {
    let mut run = testing::published_run();
    run.blocks.retain(|block| block.repetition < 3);
    let digest = testing::digest(&run);
    let groups = verdicts(&digest, Language::English);
    assert_eq!(groups.len(), 2);
    assert!(
        groups.iter().all(|group| group.verdicts.len() == 1),
        "{groups:?}"
    );
    assert!(
        groups[0].verdicts[0].text.contains("2 pairs of blocks"),
        "{groups:?}"
    );
    assert_eq!(multiplicity(&digest.multiplicity, Language::English), None);
}
