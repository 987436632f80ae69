//! Many items at once: one request for one context or one distinct key blob, and a result for each item, so that
//! one bad item does not lose the others.

use crate::call::Call;
use crate::client::at_once;
use crate::crypt::Ciphers;
use crate::failure::Failure;
use crate::key_source::KeySource;
use crate::local::{Output, Pair, Plain, Sealed};
use crate::output::Out;
use crate::tree::Node;
use js_sys::Array;
use std::collections::HashMap;
use std::rc::Rc;
use vault_core::cipher::{self, Key};
use vault_core::keys::CreateDataKey;
use vault_core::tree::{Tree, decimal, expected};
use vault_core::{Code, Error, Problem};
use wasm_bindgen::JsValue;

fn items_of(items: &Node) -> Result<Vec<Node>, Failure> {
    let wrong = || {
        let problem = Problem::new("items", expected("an array", items.kind()));
        Error::invalid(Code::InvalidRequest, vec![problem]).into()
    };
    items.items().ok_or_else(wrong)
}

/// What is to be encrypted, item by item.
pub(crate) fn plain(items: &Node) -> Result<Vec<Result<Plain, Failure>>, Failure> {
    let items = items_of(items)?;
    Ok(items.iter().map(|item| Plain::read(&item.member("data"), &item.member("associatedData"))).collect())
}

/// What is to be decrypted, item by item.
pub(crate) fn sealed(items: &Node, ciphers: Ciphers) -> Result<Vec<Result<Sealed, Failure>>, Failure> {
    let read = |item: &Node| Sealed::read(&item.member("envelope"), &item.member("associatedData"), ciphers);
    Ok(items_of(items)?.iter().map(read).collect())
}

/// `{ok: true, value}` or `{ok: false, error}` for each item, in order.
fn settled(results: Vec<Result<JsValue, Failure>>) -> JsValue {
    let results: Array = results
        .into_iter()
        .enumerate()
        .map(|(index, result)| match result {
            Ok(value) => JsValue::from(Out::new().set("ok", true).set("value", value)),
            Err(failure) => {
                JsValue::from(Out::new().set("ok", false).set("error", JsValue::from(at(index, failure))))
            }
        })
        .collect();
    results.into()
}

/// Names the item in the problems of its arguments.
fn at(index: usize, mut failure: Failure) -> Failure {
    if let Failure::Vault { error, .. } = &mut failure
        && !error.problems.is_empty()
        && error.status.is_none()
    {
        let prefix = ["items[", &decimal(index as u64), "]."].concat();
        for problem in &mut error.problems {
            problem.field.insert_str(0, &prefix);
        }
        *error = Error::invalid(error.code, core::mem::take(&mut error.problems));
    }
    failure
}

impl KeySource {
    /// Envelopes of all items: under one data key, or under those that are kept.
    pub(crate) async fn encrypt_many(
        &self,
        plain: Vec<Result<Plain, Failure>>,
        create: &CreateDataKey,
        output: Output,
        call: &Call,
    ) -> Result<JsValue, Failure> {
        let mut key: Option<Result<Pair, Failure>> = None;
        let mut results = Vec::with_capacity(plain.len());
        for item in plain {
            let item = match item.and_then(|item| self.check(&item).map(|()| item)) {
                Ok(item) => item,
                Err(failure) => {
                    results.push(Err(failure));
                    continue;
                }
            };
            // Kept keys are counted by the message. Where there is none to be had, there is none for the rest either.
            if key.is_none() || self.kept.is_some() && matches!(key, Some(Ok(_))) {
                key = Some(self.pair(create, &item, call).await);
            }
            match &key {
                Some(Ok(pair)) => results.push(call.cut.race(pair.seal(&item, output)).await?),
                Some(Err(failure)) if results.iter().any(Result::is_ok) => results.push(Err(failure.clone())),
                Some(Err(failure)) => return Err(failure.clone()),
                None => {}
            }
        }
        Ok(settled(results))
    }

    /// Plaintexts of all items. Each distinct key blob is unwrapped once.
    pub(crate) async fn decrypt_many(
        self,
        sealed: Vec<Result<Sealed, Failure>>,
        call: Rc<Call>,
    ) -> Result<JsValue, Failure> {
        let mut results: Vec<Option<Result<JsValue, Failure>>> = sealed.iter().map(|_| None).collect();
        let readings: Vec<_> =
            sealed.iter().map(|item| item.as_ref().map(Sealed::readings).unwrap_or_default()).collect();
        let mut keys: HashMap<&[u8], Result<Option<Rc<Key>>, Failure>> = HashMap::new();
        // In rounds: the likeliest reading of each, then the next of those that did not open.
        for round in 0.. {
            let of_round = |index: usize| readings.get(index).and_then(|readings| readings.get(round));
            let open: Vec<usize> =
                (0..results.len()).filter(|at| results[*at].is_none() && of_round(*at).is_some()).collect();
            if open.is_empty() {
                break;
            }
            let mut wanted: Vec<&[u8]> = open.iter().filter_map(|at| Some(of_round(*at)?.keys)).collect();
            wanted.sort_unstable();
            wanted.dedup();
            wanted.retain(|blob| !keys.contains_key(blob));
            let unwrapping = wanted.iter().map(|blob| {
                let (source, call, blob) = (self.clone(), call.clone(), blob.to_vec());
                async move { source.unwrap(&blob, &call).await }
            });
            let unwrapped = at_once(unwrapping.collect::<Vec<_>>()).await?;
            keys.extend(wanted.into_iter().zip(unwrapped));
            for at in open {
                let (Some(parts), Some(Ok(item))) = (of_round(at), sealed.get(at)) else { continue };
                match keys.get(parts.keys) {
                    Some(Ok(Some(key))) => {
                        let opened = call.cut.race(item.open(key, parts, false)).await?;
                        results[at] = opened.transpose();
                    }
                    Some(Err(failure)) => results[at] = Some(Err(failure.clone())),
                    _ => {}
                }
            }
        }
        let results = sealed.iter().zip(results).map(|(item, result)| match (item, result) {
            (Err(failure), _) => Err(failure.clone()),
            (Ok(_), Some(result)) => result,
            (Ok(_), None) => Err(cipher::failed().into()),
        });
        Ok(settled(results.collect()))
    }
}
