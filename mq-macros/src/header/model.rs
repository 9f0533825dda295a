//! The struct that `#[derive(Header)]` is put on; all rules about it are checked here.

use syn::{Data, DeriveInput, Error, Field, Fields, Ident, LitStr, Result, Token, Type};

/// A struct whose fields are header fields.
pub(super) struct HeaderModel {
    pub(super) ident: Ident,
    pub(super) fields: Vec<HeaderField>,
}

/// One field and its name on the wire.
pub(super) struct HeaderField {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) name: String,
    /// `#[header(alias = "…")]`: further names that are read, never written.
    pub(super) aliases: Vec<String>,
    /// `#[header(default)]`: an absent or unreadable value means the type's default.
    pub(super) default: bool,
}

impl HeaderModel {
    pub(super) fn of(input: &DeriveInput) -> Result<Self> {
        let Data::Struct(data) = &input.data else {
            return Err(Error::new_spanned(&input.ident, "a header is a struct"));
        };
        if let Fields::Unnamed(fields) = &data.fields {
            return Err(Error::new_spanned(fields, "a header has named fields"));
        }
        if !input.generics.params.is_empty() {
            return Err(Error::new_spanned(
                &input.generics,
                "a header has no generics",
            ));
        }
        let mut fields = Vec::new();
        let mut complaints: Option<Error> = None;
        for field in &data.fields {
            match HeaderField::of(field) {
                Ok(field) => fields.push(field),
                Err(error) => match &mut complaints {
                    Some(all) => all.combine(error),
                    None => complaints = Some(error),
                },
            }
        }
        match complaints {
            Some(error) => Err(error),
            None => Ok(Self {
                ident: input.ident.clone(),
                fields,
            }),
        }
    }
}

impl HeaderField {
    fn of(field: &Field) -> Result<Self> {
        let Some(ident) = &field.ident else {
            return Err(Error::new_spanned(field, "a header has named fields"));
        };
        let mut name = camel_case(&ident.to_string());
        let mut aliases = Vec::new();
        let mut default = false;
        for attribute in field.attrs.iter().filter(|a| a.path().is_ident("header")) {
            attribute.parse_nested_meta(|meta| {
                if meta.path.is_ident("name") {
                    name = meta.value()?.parse::<LitStr>()?.value();
                    Ok(())
                } else if meta.path.is_ident("alias") {
                    aliases.push(meta.value()?.parse::<LitStr>()?.value());
                    Ok(())
                } else if meta.path.is_ident("default") {
                    if meta.input.peek(Token![=]) {
                        return Err(meta.error("`default` takes no value: the type has one"));
                    }
                    default = true;
                    Ok(())
                } else {
                    Err(meta.error("expected `name = \"…\"`, `alias = \"…\"` or `default`"))
                }
            })?;
        }
        Ok(Self {
            ident: ident.clone(),
            ty: field.ty.clone(),
            name,
            aliases,
            default,
        })
    }
}

/// `queue_id` is `queueId` on the wire, as the Java field is named.
fn camel_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for c in name.trim_start_matches("r#").chars() {
        if c == '_' {
            upper = true;
        } else if std::mem::take(&mut upper) {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
    }
    out
}
